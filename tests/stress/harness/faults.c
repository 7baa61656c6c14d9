/* Faults in file operations, for the stress tests: preloaded before libc, it counts what changes files below one
 * folder, and at operation N kills the process or fails the call. It can also keep a log of those operations, from
 * which disk.py works out what a power cut leaves, and it can move the wall clock.
 *
 * Nothing happens before faults_arm. Kernel calls are made directly, so that no function here calls another. Rust's
 * tempfile renames without libc; a seccomp filter catches those renames, and lets pass ours, which carry a mark. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum kind { CREATE = 1, WRITE = 2, RENAME = 4, LINK = 8, UNLINK = 16, FSYNC = 32, TRUNCATE = 64, MKDIR = 128, RMDIR = 256 };
enum action { COUNT = 0, KILL = 1, FAIL = 2 };

#define PATH 4096
#define MARK 0x6f6d6e69 /* sixth argument of our own renames */

static struct { long seen, fired; } *shared; /* survives the death of a forked child */
static int armed, action, error_number, kinds, sticky, log_file = -1;
static long target, clock_offset, buried;
static char root[PATH], graveyard[PATH];
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void catch_renames(void);

void faults_arm(const char *below, int what, long at, int error, int counted, int on, const char *log, const char *grave) {
    snprintf(root, PATH, "%s", below);
    snprintf(graveyard, PATH, "%s", grave);
    action = what, target = at, error_number = error, kinds = counted, sticky = on;
    log_file = *log ? (int)syscall(SYS_openat, AT_FDCWD, log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600) : -1;
    shared->seen = shared->fired = 0;
    catch_renames();
    armed = 1;
}

void faults_disarm(void) { armed = 0; }
long faults_seen(void) { return shared->seen; }
long faults_fired(void) { return shared->fired; }
void faults_move_clock(long seconds) { clock_offset = seconds; }

static int below_root(const char *path) {
    size_t length = strlen(root);
    return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

static int path_of(int fd, char *out) { /* 0: not a file below the root */
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH - 1);
    if (length <= 0) return 0;
    out[length] = 0;
    return below_root(out);
}

static int path_at(int folder, const char *name, char *out) {
    if (name[0] == '/') {
        snprintf(out, PATH, "%s", name);
        return below_root(out);
    }
    char base[PATH];
    if (folder == AT_FDCWD) {
        if (syscall(SYS_getcwd, base, PATH) <= 0) return 0;
    } else {
        path_of(folder, base);
    }
    if (snprintf(out, PATH, "%s/%s", base, name) >= PATH) return 0;
    return below_root(out);
}

static int gate(enum kind kind) { /* 1: the call must fail with error_number */
    if (!(kind & kinds)) return 0;
    long now = __atomic_add_fetch(&shared->seen, 1, __ATOMIC_SEQ_CST);
    if (action == COUNT || (now != target && !(sticky && now > target))) return 0;
    __atomic_add_fetch(&shared->fired, 1, __ATOMIC_SEQ_CST);
    if (action == KILL) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
        for (;;) pause();
    }
    errno = error_number;
    return 1;
}

static void note(const char *what, unsigned long inode, const char *a, const char *b) {
    if (log_file < 0) return;
    char line[2 * PATH + 64];
    int length = snprintf(line, sizeof line, "%s\t%lu\t%s\t%s\n", what, inode, a, b);
    syscall(SYS_write, log_file, line, (size_t)length);
}

static unsigned long inode_of(const char *path) {
    struct stat status;
    return fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) ? 0 : status.st_ino;
}

static void bury(const char *path) { /* keeps the inode, and with it what a power cut would bring back */
    char grave[PATH + 32];
    struct stat status;
    if (log_file < 0 || fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) || S_ISDIR(status.st_mode)) return;
    snprintf(grave, sizeof grave, "%s/%ld", graveyard, ++buried);
    syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, grave, 0);
}

static void enter(void) { if (log_file >= 0) pthread_mutex_lock(&order); }
static void leave(void) { if (log_file >= 0) pthread_mutex_unlock(&order); }

#define CHANGES(fd, path) (armed && path_of(fd, path))

static int opening(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH];
    if (!armed || !(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE || !path_at(folder, name, path))
        return (int)syscall(SYS_openat, folder, name, flags, mode);
    unsigned long before = inode_of(path);
    if (before && !(flags & O_TRUNC)) return (int)syscall(SYS_openat, folder, name, flags, mode);
    if (gate(CREATE)) return -1;
    enter();
    int fd = (int)syscall(SYS_openat, folder, name, flags, mode);
    if (fd >= 0) note(before ? "write" : "create", inode_of(path), path, "");
    leave();
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *name, int flags, ...) { MODE(flags) return opening(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return opening(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE(flags) return opening(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE(flags) return opening(folder, name, flags, mode); }
int creat(const char *name, mode_t mode) { return opening(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

#define ON_FILE(kind, word, call) \
    char path[PATH]; \
    if (!CHANGES(fd, path)) return call; \
    if (gate(kind)) return -1; \
    struct stat status; \
    enter(); \
    __typeof__(call) result = call; \
    if (result >= 0 && !fstat(fd, &status)) note(word, status.st_ino, path, ""); \
    leave(); \
    return result;

ssize_t write(int fd, const void *data, size_t size) { ON_FILE(WRITE, "write", syscall(SYS_write, fd, data, size)) }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { ON_FILE(WRITE, "write", syscall(SYS_pwrite64, fd, data, size, at)) }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { ON_FILE(WRITE, "write", syscall(SYS_pwrite64, fd, data, size, at)) }
ssize_t writev(int fd, const struct iovec *parts, int count) { ON_FILE(WRITE, "write", syscall(SYS_writev, fd, parts, count)) }
ssize_t copy_file_range(int from, off_t *in, int fd, off_t *out, size_t size, unsigned flags) {
    ON_FILE(WRITE, "write", syscall(SYS_copy_file_range, from, in, fd, out, size, flags))
}
ssize_t sendfile(int fd, int from, off_t *at, size_t size) { ON_FILE(WRITE, "write", syscall(SYS_sendfile, fd, from, at, size)) }
ssize_t sendfile64(int fd, int from, off_t *at, size_t size) { ON_FILE(WRITE, "write", syscall(SYS_sendfile, fd, from, at, size)) }
int ftruncate(int fd, off_t size) { ON_FILE(TRUNCATE, "write", (int)syscall(SYS_ftruncate, fd, size)) }
int ftruncate64(int fd, off_t size) { ON_FILE(TRUNCATE, "write", (int)syscall(SYS_ftruncate, fd, size)) }
int fsync(int fd) { ON_FILE(FSYNC, S_ISDIR(status.st_mode) ? "sync-folder" : "sync", (int)syscall(SYS_fsync, fd)) }
int fdatasync(int fd) { ON_FILE(FSYNC, S_ISDIR(status.st_mode) ? "sync-folder" : "sync", (int)syscall(SYS_fdatasync, fd)) }

static int moving(int from, const char *a, int to, const char *b, unsigned flags) {
    char old[PATH], new[PATH];
    int inside = armed ? path_at(from, a, old) + path_at(to, b, new) : 0;
    if (!inside) return (int)syscall(SYS_renameat2, from, a, to, b, flags, MARK);
    if (gate(RENAME)) return -1;
    enter();
    bury(new);
    int result = (int)syscall(SYS_renameat2, from, a, to, b, flags, MARK);
    if (!result) note("rename", 0, old, new);
    leave();
    return result;
}

int rename(const char *a, const char *b) { return moving(AT_FDCWD, a, AT_FDCWD, b, 0); }
int renameat(int from, const char *a, int to, const char *b) { return moving(from, a, to, b, 0); }
int renameat2(int from, const char *a, int to, const char *b, unsigned flags) { return moving(from, a, to, b, flags); }

static int linking(int from, const char *a, int to, const char *b, int flags) {
    char old[PATH], new[PATH];
    if (!armed || !path_at(to, b, new) || !path_at(from, a, old)) return (int)syscall(SYS_linkat, from, a, to, b, flags);
    if (gate(LINK)) return -1;
    enter();
    int result = (int)syscall(SYS_linkat, from, a, to, b, flags);
    if (!result) note("link", 0, old, new);
    leave();
    return result;
}

int link(const char *a, const char *b) { return linking(AT_FDCWD, a, AT_FDCWD, b, 0); }
int linkat(int from, const char *a, int to, const char *b, int flags) { return linking(from, a, to, b, flags); }

static int removing(int folder, const char *name, int flags) {
    char path[PATH];
    if (!armed || !path_at(folder, name, path)) return (int)syscall(SYS_unlinkat, folder, name, flags);
    if (!inode_of(path)) { errno = ENOENT; return -1; }
    if (gate(flags & AT_REMOVEDIR ? RMDIR : UNLINK)) return -1;
    enter();
    bury(path);
    int result = (int)syscall(SYS_unlinkat, folder, name, flags);
    if (!result) note("unlink", 0, path, "");
    leave();
    return result;
}

int unlink(const char *name) { return removing(AT_FDCWD, name, 0); }
int unlinkat(int folder, const char *name, int flags) { return removing(folder, name, flags); }
int rmdir(const char *name) { return removing(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name) {
    int result = removing(AT_FDCWD, name, 0);
    return result && errno == EISDIR ? removing(AT_FDCWD, name, AT_REMOVEDIR) : result;
}

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH];
    if (!armed || !path_at(folder, name, path)) return (int)syscall(SYS_mkdirat, folder, name, mode);
    if (inode_of(path)) { errno = EEXIST; return -1; }
    if (gate(MKDIR)) return -1;
    enter();
    int result = (int)syscall(SYS_mkdirat, folder, name, mode);
    if (!result) note("mkdir", inode_of(path), path, "");
    leave();
    return result;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (!result && clock == CLOCK_REALTIME) now->tv_sec += clock_offset;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec, now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

/* --- renames that do not go through libc */

#if defined __x86_64__
#define RESULT(context) context->uc_mcontext.gregs[REG_RAX]
#define ARGUMENT(context, number) context->uc_mcontext.gregs[(int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8}[number]]
#elif defined __aarch64__
#define RESULT(context) context->uc_mcontext.regs[0]
#define ARGUMENT(context, number) context->uc_mcontext.regs[number]
#else
#error "renames without libc cannot be caught on this processor"
#endif

static void caught(int signal, siginfo_t *info, void *where) {
    ucontext_t *context = where;
    int before = errno, plain = 0;
    (void)signal;
#ifdef SYS_rename
    plain = info->si_syscall == SYS_rename;
#endif
    long a[5];
    for (int number = 0; number < 5; number++) a[number] = (long)ARGUMENT(context, number);
    int flags = info->si_syscall == SYS_renameat2 ? (int)a[4] : 0;
    int result = plain ? moving(AT_FDCWD, (const char *)a[0], AT_FDCWD, (const char *)a[1], 0)
                       : moving((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3], (unsigned)flags);
    RESULT(context) = result ? -errno : 0;
    errno = before;
}

static void catch_renames(void) {
#define TRAP(call) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3), \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])), \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 1, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_rename
        TRAP(SYS_rename),
#endif
#ifdef SYS_renameat
        TRAP(SYS_renameat),
#endif
        TRAP(SYS_renameat2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSYS, &action, NULL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}
