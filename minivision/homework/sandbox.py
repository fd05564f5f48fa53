"""Process isolation of submissions; full support on Linux only.

A process calls these functions before it runs a student's code. Each protection is tried, and :func:`isolate` reports
those that the system does not offer.
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
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446  # the same numbers on all processors
LANDLOCK_VERSION, LANDLOCK_PATH_BENEATH = 1, 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR = 1, 2, 4, 8
FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}  # all rights that a version knows
FS_FILE_RIGHTS = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | 1 << 14  # rights of a single file

NOBODY = 65534  # id of the user and the group
MAX_MEMORY_BYTES, MAX_FILE_BYTES, MAX_PROCESSES = 6 << 30, 64 << 20, 64


def limit_resources(seconds, *, memory=MAX_MEMORY_BYTES, file_size=MAX_FILE_BYTES):
    """Limit the processor time, the memory and the size of files of this process, and switch core dumps off.

    Parameters
    ----------
    seconds : float
        Processor time. The grader's clock stops the process first, so 5 seconds are added.
    memory, file_size : int
        In bytes.
    """
    limits = {"RLIMIT_CPU": int(seconds) + 5, "RLIMIT_FSIZE": file_size, "RLIMIT_CORE": 0}
    if sys.platform == "linux":  # other systems reserve far more address space than they use
        limits["RLIMIT_AS"] = memory
    for name, limit in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))


def isolate(folder, hidden):
    """Take network, other processes, files and privileges away from this process.

    Execution continues in a child process: this function returns in the child only.

    Parameters
    ----------
    folder : str
        The only folder that the process may write to.
    hidden : sequence of str
        Folders that the process may not read, although they are inside of folders with programs and libraries, which
        it may read.

    Returns
    -------
    unprotected : list of str
        Protections that this system does not offer, one sentence each.
    """
    unprotected = []
    root = os.geteuid() == 0
    if not _unshare(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (0 if root else CLONE_NEWUSER)):
        unprotected.append("no namespaces: submissions can use the network and see other processes")
    else:
        _continue_in_child()
    if not root:
        unprotected.append("not root, so no second user: submissions run as your user, except as stated below")
    elif all(map(_is_open_to_all, (sys.base_prefix, sys.prefix, *sys.path[:1], os.path.dirname(folder)))):
        user = 64000 + os.getppid() % 1000  # submissions that run at the same time do not share the limit of processes
        os.chown(folder, user, NOBODY)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(user, user, user)
        resource.setrlimit(resource.RLIMIT_NPROC, (MAX_PROCESSES, MAX_PROCESSES))
    else:
        _drop_capabilities()
        unprotected.append(
            "Python or the library is in a folder that only root may enter, so no second user: submissions run as root "
            "without root's privileges, and may start any number of processes"
        )
    if not _landlock(folder, hidden):
        can = "read" if root else "read and write"
        unprotected.append(f"no Landlock: submissions can {can} all files that their user can, also the solution")
    return unprotected


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _unshare(flags):
    if sys.platform != "linux":
        return False
    return _libc().unshare(flags) == 0


def _is_open_to_all(path):
    """Return whether any user can enter a folder."""
    path = os.path.realpath(path)
    parents = [path[:k] or "/" for k, letter in enumerate(path) if letter == os.sep]
    return all(os.stat(each).st_mode & 1 for each in (*parents, path) if os.path.isdir(each))


def _drop_capabilities():
    """Drop all privileges of root. The process still owns root's files."""
    libc = _libc()
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError("capset failed: the privileges of root cannot be dropped")


def _continue_in_child():
    """Fork. The child is the first process of its namespace: all processes that it starts end with it."""
    child = os.fork()
    if child:
        signal.signal(signal.SIGUSR1, lambda *_: os.kill(child, signal.SIGUSR1))  # the child reports its line
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    _libc().prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)  # it ends with its parent


def _landlock(folder, hidden):
    """Allow reading programs and libraries, and writing to one folder; return whether the system supports this."""
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
        return  # the path does not exist
    if not os.path.isdir(path):
        access &= FS_FILE_RIGHTS
    rule = PathBeneath(access, descriptor)
    libc.syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(descriptor)


def readable(hidden):
    """Return the files and folders of programs and libraries that a submission may read.

    Parameters
    ----------
    hidden : sequence of str
        Paths to leave out.

    Returns
    -------
    paths : list of str
    """
    roots = ["/usr", "/lib", "/lib64", "/bin", "/opt", "/etc/ld.so.cache", "/etc/localtime", "/sys/devices/system/cpu"]
    roots += [sys.base_prefix, sys.prefix]
    hidden = [os.path.realpath(path) for path in hidden]
    # Folders of packages may be read, but not the checkout that a package under development is imported from.
    checkouts = {os.path.dirname(path) for path in hidden}
    checkouts = {path for path in checkouts if os.path.basename(path) not in ("site-packages", "dist-packages")}
    roots += [path for path in sys.path if path and os.path.realpath(path) not in checkouts]
    paths = []
    for root in dict.fromkeys(map(os.path.realpath, roots)):
        paths += _without(root, hidden)
    return list(dict.fromkeys(paths))


def _without(path, hidden):
    """Return a path, or its visible parts if something in it is hidden."""
    if any(path == each or path.startswith(each + os.sep) for each in hidden):
        return []
    if not any(each.startswith(path.rstrip(os.sep) + os.sep) for each in hidden):
        return [path]
    return [part for name in sorted(os.listdir(path)) for part in _without(os.path.join(path, name), hidden)]
