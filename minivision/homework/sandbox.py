"""Process isolation of submissions; full support on Linux only.

A process calls these functions before it runs a student's code. Each protection is tried, and :func:`isolate` reports
those that the system does not offer.
"""

import contextlib
import ctypes
import os
import pathlib
import resource
import signal
import sys

# ---- Linux, from its headers (linux/sched.h, linux/mount.h, linux/prctl.h, linux/landlock.h) ----------------------
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x4000000, 0x8000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITY_VERSION = 0x20080522
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446  # the same numbers on all processors
LANDLOCK_VERSION, LANDLOCK_PATH_BENEATH = 1, 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR = 1, 2, 4, 8
FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}  # all rights that a version knows
FS_FILE_RIGHTS = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | 1 << 14  # rights of a single file
LIMITS_OF_USER_NAMESPACES = 5, 14  # the version from which on RLIMIT_NPROC counts the processes of one alone

NOBODY = 65534  # id of the group
# A user for each process: no system gives these numbers to users or containers (https://systemd.io/UIDS-GIDS). Where
# only small ones exist, as in many containers, a small one.
USERS, SMALL_USERS, SMALL_COUNT = 0x70000000, 20_000, 40_000
MAX_MEMORY_BYTES, MAX_FILE_BYTES, MAX_PROCESSES = 6 << 30, 16 << 20, 64
MAX_FOLDER_BYTES, MAX_FILES = 64 << 20, 4096  # of all files that a submission writes

NO_NAMESPACES = "no namespaces: submissions can use the network, see other processes, and write any number of files"
NO_MOUNTS = "no mounts in a namespace: submissions can write any number of files"
NO_USER = "no user of its own for a submission: it may start any number of processes, and harm its neighbors"
NO_LANDLOCK = "no Landlock: submissions can read all files that their user can, perhaps also the solution"


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


def isolate(folder, hidden, parent):
    """Take network, other processes, files and privileges away from this process.

    Execution continues in a child process: this function returns in the child only. It ends with the process `parent`.

    Parameters
    ----------
    folder : str
        The only folder that the process may write to. Where there are namespaces, it is a copy in memory.
    hidden : sequence of str
        Folders that the process may not read, although they are inside of folders with programs and libraries, which
        it may read.
    parent : int
        The process that started this one.

    Returns
    -------
    unprotected : list of str
        Protections that this system does not offer, one sentence each.
    """
    unprotected, root, ids = [], os.geteuid() == 0, (os.geteuid(), os.getegid())
    user = user_of(os.getpid()) if root else None
    spaces = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS
    if _unshare(spaces if root else spaces | CLONE_NEWUSER):
        _continue_in_child(parent)
        try:
            if not root:
                _keep_user(*ids)
            _rearrange_folders(folder, hidden, user)
        except OSError as error:  # some systems restrict what a namespace may do
            unprotected.append(f"{NO_MOUNTS} ({error.strerror})")
    else:
        end_with(parent, signal.SIGKILL)
        unprotected.append(NO_NAMESPACES)
    if user and _can_enter(user, (sys.base_prefix, sys.prefix, *sys.path[:1], os.path.dirname(folder))):
        os.chown(folder, user, NOBODY)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(user, user, user)
        limited = True
    else:
        _drop_capabilities()
        limited = not root and not unprotected and _kernel() >= LIMITS_OF_USER_NAMESPACES
    if limited:
        resource.setrlimit(resource.RLIMIT_NPROC, (MAX_PROCESSES, MAX_PROCESSES))
    else:
        unprotected.append(NO_USER)
    if NO_NAMESPACES in unprotected:
        end_with(parent, signal.SIGKILL)  # again: a change of the user undoes it
    _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if not _landlock(folder, hidden):
        unprotected.append(NO_LANDLOCK)
    return unprotected


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _unshare(flags):
    if sys.platform != "linux":
        return False
    return _libc().unshare(flags) == 0


def _kernel():
    return tuple(int("0" + "".join(filter(str.isdigit, part))) for part in os.uname().release.split(".")[:2])


def _drop_capabilities():
    """Drop all privileges of root. The process still owns root's files."""
    libc = _libc()
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError("capset failed: the privileges of root cannot be dropped")


# ---- processes and users -------------------------------------------------------------------------------------------


def end_with(parent, signal_number):
    """Have the kernel send a signal to this process when `parent` ends, however that ends."""
    _libc().prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


def _continue_in_child(parent):
    """Fork. The child is the first process of its namespace: all processes that it starts end with it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    if not child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return
    # The child could refuse a signal for the end of its parent. It cannot reach this process, which stays to end it.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(child, signal.SIGUSR1))  # the child reports its line
    _libc().prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if os.getppid() != parent:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def user_of(pid):
    """Return the number of a user that nobody is, for a process of that number; None if this system has none."""
    try:
        text = pathlib.Path("/proc/self/uid_map").read_text(encoding="utf-8")
    except OSError:
        return None
    lines = [list(map(int, line.split())) for line in text.splitlines()]
    candidates = USERS + pid, SMALL_USERS + pid % SMALL_COUNT
    return next((user for user in candidates if any(a <= user < a + count for a, _, count in lines)), None)


def kill_user(pid):
    """End all processes of the user of a process, wherever they went."""
    user = user_of(pid) if os.geteuid() == 0 else None
    child = os.fork() if user else None
    if child == 0:
        try:
            os.setresuid(user, user, user)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    if child:
        os.waitpid(child, 0)


def _keep_user(user, group):
    """Be the same user in the new namespace; otherwise files in memory could not belong to anybody."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        pathlib.Path(f"/proc/self/{name}").write_text(text, encoding="utf-8")


def _can_enter(user, paths):
    """Return whether a user who belongs to no group can enter folders."""
    return all(os.stat(each).st_mode & 1 for path in paths for each in _with_parents(path) if os.path.isdir(each))


def _with_parents(path):
    path = os.path.realpath(path)
    return [*(path[:k] or "/" for k, letter in enumerate(path) if letter == os.sep), path]


# ---- files ---------------------------------------------------------------------------------------------------------


def _rearrange_folders(folder, hidden, user):
    """In a namespace of mounts: cover what is hidden, open what is needed, and keep what is written in memory.

    Folders that only root may enter and that Python is in (such as /root) become empty but for Python.
    """
    files = {name: _read(os.path.join(folder, name)) for name in os.listdir(folder)}
    needed = [path for path in {sys.base_prefix, sys.prefix, *sys.path, os.path.dirname(folder)} if os.path.isdir(path)]
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    if user is not None:
        closed = {}
        for path in map(os.path.realpath, needed):
            outer = next((each for each in _with_parents(path)[:-1] if not os.stat(each).st_mode & 1), None)
            closed.setdefault(outer, []).append(path)
        for outer, paths in closed.items():
            if outer is not None:
                _cover_all_but(outer, paths)
    for path in hidden:
        if os.path.isdir(path):
            _mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=4k,mode=555")
    options = f"size={MAX_FOLDER_BYTES},nr_inodes={MAX_FILES},mode=700"
    _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options)
    for name, contents in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(contents)
    with contextlib.suppress(OSError):  # other processes' arguments can be read there; not every container allows it
        _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def _cover_all_but(outer, paths):
    """Cover a folder by an empty one that everybody may enter, with some paths in it as they were."""
    kept = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths}
    _mount("tmpfs", outer, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path, descriptor in sorted(kept.items()):
        if not os.path.isdir(path):  # else it is within another one
            os.makedirs(path)
            _mount(f"/proc/self/fd/{descriptor}", path, None, MS_BIND | MS_REC)
        os.close(descriptor)


def _mount(source, target, kind, flags, options=""):
    arguments = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
    if _libc().mount(*arguments, ctypes.c_ulong(flags), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


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
