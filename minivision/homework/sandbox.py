"""Locking up a process, from the inside, before it runs somebody's code. Linux has the means; elsewhere few are left.

Each protection is tried, and what a system does not offer is said: see :func:`lock_up`.
"""

import ctypes
import os
import resource
import signal
import sys

# ---- Linux, from its headers (linux/sched.h, linux/prctl.h, linux/landlock.h) -------------------------------------
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x4000000, 0x8000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, SIGKILL = 1, 24, 38, 9
CAPABILITY_VERSION = 0x20080522
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446  # the same on all processors
LANDLOCK_VERSION, LANDLOCK_PATH_BENEATH = 1, 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR = 1, 2, 4, 8
FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}  # all that a version knows
FS_FILE_RIGHTS = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | 1 << 14  # that a single file can have

NOBODY = 65534
MEMORY, FILE_SIZE, PROCESSES = 6 << 30, 64 << 20, 64


def limit(seconds, *, memory=MEMORY, file_size=FILE_SIZE):
    """Limit this process: processor time, memory, the size of files; no core dumps."""
    wanted = {"RLIMIT_CPU": int(seconds) + 5, "RLIMIT_FSIZE": file_size, "RLIMIT_CORE": 0}
    if sys.platform == "linux":  # elsewhere address space is not what counts
        wanted["RLIMIT_AS"] = memory
    for name, most in wanted.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def lock_up(folder, hidden):
    """Take away from this process whatever it does not need.

    It goes on in a child process: where this is called, only that child returns.

    Parameters
    ----------
    folder : str
        The only place where it may write.
    hidden : sequence of str
        Folders that it may not read, although they lie among the programs and libraries, which it may.

    Returns
    -------
    list of str
        What could not be taken away on this system, a sentence each.
    """
    missing = []
    root = os.geteuid() == 0
    if not _unshare(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (0 if root else CLONE_NEWUSER)):
        missing.append("no namespaces: the network is open to it, and it sees other processes")
    else:
        _go_on_in_a_child()
    if not root:
        missing.append("not root, so no second user: it runs with the rights of who grades, but for what follows")
    elif all(map(_open_to_all, (sys.base_prefix, sys.prefix, *sys.path[:1], os.path.dirname(folder)))):
        user = 64000 + os.getppid() % 1000  # several at once do not share the limit of processes
        os.chown(folder, user, NOBODY)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(user, user, user)
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    else:
        _drop_capabilities()
        missing.append(
            "Python or the library lies in a folder that only root may enter, so no second user: it runs as root "
            "without root's privileges, and may start any number of processes"
        )
    if not _landlock(folder, hidden):
        missing.append("no Landlock: it can read all files that its user can, the solution too if it finds it")
        if not root:
            missing[-1] += ", and write to them"
    return missing


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _unshare(flags):
    if sys.platform != "linux":
        return False
    return _libc().unshare(flags) == 0


def _open_to_all(path):
    """Return whether any user can enter a folder."""
    path = os.path.realpath(path)
    parents = [path[:k] or "/" for k, letter in enumerate(path) if letter == os.sep]
    return all(os.stat(each).st_mode & 1 for each in (*parents, path) if os.path.isdir(each))


def _drop_capabilities():
    """Make root an ordinary user that happens to own root's files."""
    libc = _libc()
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError("capset failed: root's privileges cannot be dropped")


def _go_on_in_a_child():
    """Fork: the child is the first process of its namespace, and all that it starts ends with it."""
    child = os.fork()
    if child:
        signal.signal(signal.SIGUSR1, lambda *_: os.kill(child, signal.SIGUSR1))  # it asks the child where it is
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    _libc().prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)  # and it ends with its parent


def _landlock(folder, hidden):
    """Allow reading programs and libraries, and writing to one folder; return whether the system can do that."""
    if sys.platform != "linux":
        return False
    libc = _libc()
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION)
    if version < 1:
        return False
    rights = FS_RIGHTS[min(version, 3)]
    handled = ctypes.c_uint64(rights)
    rules = libc.syscall(LANDLOCK_CREATE_RULESET, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    reading = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR
    allowed = [(path, reading) for path in readable(hidden)]
    allowed += [(path, reading | FS_WRITE_FILE) for path in ("/dev/null", "/dev/zero", "/dev/urandom")]
    for path, access in [*allowed, (folder, rights)]:
        _allow(libc, rules, path, access & rights)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    done = libc.syscall(LANDLOCK_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return done


def _allow(libc, rules, path, access):
    class PathBeneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = [("access", ctypes.c_uint64), ("parent", ctypes.c_int32)]

    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # there is none
    if not os.path.isdir(path):
        access &= FS_FILE_RIGHTS
    rule = PathBeneath(access, descriptor)
    libc.syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(descriptor)


def readable(hidden):
    """Return the files and folders of programs and libraries, without those that are hidden."""
    roots = ["/usr", "/lib", "/lib64", "/bin", "/opt", "/etc/ld.so.cache", "/etc/localtime", "/sys/devices/system/cpu"]
    roots += [sys.base_prefix, sys.prefix]
    hidden = [os.path.realpath(path) for path in hidden]
    # A folder of packages, but not the checkout that a package under development is imported from.
    beside = {os.path.dirname(path) for path in hidden}
    beside = {path for path in beside if os.path.basename(path) not in ("site-packages", "dist-packages")}
    roots += [path for path in sys.path if path and os.path.realpath(path) not in beside]
    found = []
    for root in dict.fromkeys(map(os.path.realpath, roots)):
        found += _without(root, hidden)
    return list(dict.fromkeys(found))


def _without(path, hidden):
    """Return a folder, or where something in it is hidden, all else in it."""
    if any(path == each or path.startswith(each + os.sep) for each in hidden):
        return []
    if not any(each.startswith(path.rstrip(os.sep) + os.sep) for each in hidden):
        return [path]
    return [part for name in sorted(os.listdir(path)) for part in _without(os.path.join(path, name), hidden)]
