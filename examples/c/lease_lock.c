/* A quorum-capable resource type in plain C: "C Lease Lock", a lock file that one node holds with a lease.
 *
 *   cc -shared -fPIC -pthread -I resapi-sys-mock/include examples/c/lease_lock.c -o liblease_lock.so
 *
 * The device is the file that the private property Path names; all nodes see it. Its owner has written a serial number and
 * its own name into it, and writes a greater number again and again: that is defending. A challenger that sees the same
 * number for a lease and a half takes the file over; the former owner notices when it renews next, and tells the monitor
 * that the quorum is lost. As an ordinary resource, for which nobody arbitrates, it takes the file in Online and defends it
 * all the same; a loss is then a failure that IsAlive finds. examples/arbitrate-resource is the same device in Rust. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <resapi.h>
#include <wolfden_host.h>

enum { TEXT_BYTES = 512, LEASE_MS = 3000, RENEWALS = 3, LOOKS = 10, SETTLE_MS = 20 };

/* One resource. `lock` guards everything below it. */
typedef struct LeaseLock {
    RESOURCE_HANDLE handle;
    HKEY key;
    char name[TEXT_BYTES]; /* under which it owns the file */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char path[TEXT_BYTES]; /* since the last Arbitrate or Online */
    pthread_t thread;      /* comes online, or defends */
    BOOL has_thread;
    BOOL is_arbitrated; /* the thread defends the quorum */
    BOOL stop;
    PQUORUM_RESOURCE_LOST lost; /* called once, when the quorum is lost */
} LeaseLock;

static PSET_RESOURCE_STATUS_ROUTINE set_status;
static PLOG_EVENT_ROUTINE log_event;
static WOLFDEN_HOST_TABLE host;

static void narrow(char *to, const WCHAR *from) {
    size_t i = 0;
    for (; i + 1 < TEXT_BYTES && from[i] != 0; ++i) to[i] = from[i] < 128 ? (char)from[i] : '?';
    to[i] = 0;
}

/* Waits so long. FALSE: somebody wants this thread to stop. */
static BOOL pause_ms(LeaseLock *device, long ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (ms % 1000) * 1000000L;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&device->lock);
    int result = 0;
    while (!device->stop && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&device->changed, &device->lock, &until);
    }
    BOOL goes_on = !device->stop;
    pthread_mutex_unlock(&device->lock);
    return goes_on;
}

/* The private property Path. The key of the resource is the monitor's; only the subkey is opened and closed here. */
static DWORD read_path(LeaseLock *device) {
    HKEY parameters = NULL;
    WCHAR text[TEXT_BYTES];
    char path[TEXT_BYTES];
    DWORD kind = 0, size = sizeof text - sizeof *text;
    if (host.ClusterRegOpenKey == NULL) return ERROR_CALL_NOT_IMPLEMENTED;
    LONG error = host.ClusterRegOpenKey(device->key, CLUS_TEXT("Parameters"), KEY_READ, &parameters);
    if (error != ERROR_SUCCESS) return (DWORD)error;
    error = host.ClusterRegQueryValue(parameters, CLUS_TEXT("Path"), &kind, (LPBYTE)text, &size);
    host.ClusterRegCloseKey(parameters);
    if (error != ERROR_SUCCESS) return (DWORD)error;
    if (kind != REG_SZ) return ERROR_INVALID_DATA;
    text[size / sizeof *text] = 0;
    narrow(path, text);
    pthread_mutex_lock(&device->lock);
    memcpy(device->path, path, sizeof path);
    pthread_mutex_unlock(&device->lock);
    return path[0] == 0 ? ERROR_FILE_NOT_FOUND : ERROR_SUCCESS;
}

/* A copy: Terminate may come while Online reads the property anew. */
static void path_of(LeaseLock *device, char *path) {
    pthread_mutex_lock(&device->lock);
    memcpy(path, device->path, TEXT_BYTES);
    pthread_mutex_unlock(&device->lock);
}

/* Who owns the file: TRUE with its serial and name. A file that nobody can have written belongs to nobody. */
static BOOL read_owner(LeaseLock *device, unsigned long *serial, char *name) {
    char path[TEXT_BYTES];
    path_of(device, path);
    FILE *file = path[0] == 0 ? NULL : fopen(path, "r");
    if (file == NULL) return FALSE;
    BOOL is_owned = fscanf(file, "%lu\n", serial) == 1 && fgets(name, TEXT_BYTES, file) != NULL;
    fclose(file);
    if (!is_owned) return FALSE;
    name[strcspn(name, "\n")] = 0;
    return name[0] != 0;
}

/* Never in place: a new file is renamed over the old one. */
static DWORD write_owner(LeaseLock *device, unsigned long serial) {
    char path[TEXT_BYTES], unfinished[TEXT_BYTES + 64];
    path_of(device, path);
    /* A name of its own for each process and resource. */
    snprintf(unfinished, sizeof unfinished, "%s.%ld-%p", path, (long)getpid(), (void *)device);
    FILE *file = fopen(unfinished, "w");
    if (file == NULL) return ERROR_ACCESS_DENIED;
    BOOL is_written = fprintf(file, "%lu\n%s\n", serial, device->name) > 0;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(unfinished, path) == 0 ? ERROR_SUCCESS : ERROR_ACCESS_DENIED;
}

static BOOL is_ours(LeaseLock *device, unsigned long *serial) {
    char name[TEXT_BYTES];
    return read_owner(device, serial, name) && strcmp(name, device->name) == 0;
}

/* Leaves the file free if it is ours. */
static void give_up(LeaseLock *device) {
    unsigned long serial = 0;
    char path[TEXT_BYTES];
    path_of(device, path);
    if (is_ours(device, &serial)) unlink(path);
}

/* Takes the file: at once when it is free or ours, from another owner when its lease does not get younger. */
static DWORD take(LeaseLock *device) {
    unsigned long serial = 0, now = 0;
    char owner[TEXT_BYTES], present[TEXT_BYTES];
    if (read_owner(device, &serial, owner) && strcmp(owner, device->name) != 0) {
        for (int waited = 0; waited < LEASE_MS + LEASE_MS / 2; waited += LEASE_MS / LOOKS) {
            if (!pause_ms(device, LEASE_MS / LOOKS)) return ERROR_OPERATION_ABORTED;
            if (!read_owner(device, &now, present) || now != serial || strcmp(owner, present) != 0) return ERROR_BUSY;
        }
    }
    DWORD error = write_owner(device, serial + 1);
    if (error != ERROR_SUCCESS) return error;
    /* Of two challengers the one that wrote last has it. */
    if (!pause_ms(device, SETTLE_MS)) return ERROR_OPERATION_ABORTED;
    return is_ours(device, &now) ? ERROR_SUCCESS : ERROR_BUSY;
}

/* The thread that defends the file. */
static void *defend(void *argument) {
    LeaseLock *device = argument;
    while (pause_ms(device, LEASE_MS / RENEWALS)) {
        unsigned long serial = 0;
        if (is_ours(device, &serial) && write_owner(device, serial + 1) == ERROR_SUCCESS) continue;
        log_event(device->handle, LOG_SEVERE, CLUS_TEXT("the lock is lost"));
        pthread_mutex_lock(&device->lock);
        PQUORUM_RESOURCE_LOST lost = device->lost;
        device->lost = NULL;
        pthread_mutex_unlock(&device->lock);
        if (lost != NULL) lost(device->handle);
        break;
    }
    return NULL;
}

/* The thread that comes online: a lock that somebody else left behind takes longer than an entry point may. Then it
 * defends. */
static void *come_online(void *argument) {
    LeaseLock *device = argument;
    RESOURCE_STATUS status;
    DWORD error = take(device);
    if (error == ERROR_OPERATION_ABORTED) return NULL;
    memset(&status, 0, sizeof status);
    status.ResourceState = error == ERROR_SUCCESS ? ClusterResourceOnline : ClusterResourceFailed;
    status.CheckPoint = 1;
    if (error != ERROR_SUCCESS) log_event(device->handle, LOG_ERROR, CLUS_TEXT("the lock cannot be taken: error %1!u!"), error);
    DWORD answer = set_status(device->handle, &status);
    return error == ERROR_SUCCESS && answer != (DWORD)ResourceExitStateTerminate ? defend(device) : NULL;
}

/* Starts the one thread of the resource. */
static DWORD start(LeaseLock *device, void *(*body)(void *), PQUORUM_RESOURCE_LOST lost) {
    pthread_mutex_lock(&device->lock);
    device->stop = FALSE;
    device->lost = lost;
    int failed = pthread_create(&device->thread, NULL, body, device);
    device->has_thread = failed == 0;
    device->is_arbitrated = failed == 0 && lost != NULL;
    pthread_mutex_unlock(&device->lock);
    return failed == 0 ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
}

/* Ends the thread and waits for it. TRUE when it defended the quorum. */
static BOOL stop_thread(LeaseLock *device) {
    pthread_mutex_lock(&device->lock);
    BOOL was_arbitrated = device->is_arbitrated;
    BOOL joins = device->has_thread && !pthread_equal(device->thread, pthread_self());
    device->is_arbitrated = FALSE;
    device->lost = NULL;
    device->stop = TRUE;
    if (joins) device->has_thread = FALSE;
    pthread_cond_broadcast(&device->changed);
    pthread_t thread = device->thread;
    pthread_mutex_unlock(&device->lock);
    if (joins) pthread_join(thread, NULL);
    return was_arbitrated;
}

static RESID WINAPI LeaseOpen(LPCWSTR name, HKEY key, RESOURCE_HANDLE handle) {
    LeaseLock *device = calloc(1, sizeof *device);
    char plain[TEXT_BYTES];
    if (name == NULL || device == NULL) {
        free(device);
        return NULL;
    }
    narrow(plain, name);
    plain[TEXT_BYTES / 2] = 0;
    snprintf(device->name, sizeof device->name, "%.200s of process %ld", plain, (long)getpid());
    device->handle = handle;
    device->key = key;
    pthread_mutex_init(&device->lock, NULL);
    pthread_cond_init(&device->changed, NULL);
    return device;
}

static VOID WINAPI LeaseClose(RESID id) {
    LeaseLock *device = id;
    stop_thread(device);
    pthread_cond_destroy(&device->changed);
    pthread_mutex_destroy(&device->lock);
    free(device);
}

/* Takes as long as a lease and a half; QuorumArbitrationTimeMax has to be more. */
static DWORD WINAPI LeaseArbitrate(RESID id, PQUORUM_RESOURCE_LOST lost) {
    LeaseLock *device = id;
    DWORD error = read_path(device);
    if (error != ERROR_SUCCESS) return error;
    stop_thread(device);
    pthread_mutex_lock(&device->lock);
    device->stop = FALSE;
    pthread_mutex_unlock(&device->lock);
    error = take(device);
    return error == ERROR_SUCCESS ? start(device, defend, lost) : error;
}

static DWORD WINAPI LeaseRelease(RESID id) {
    if (stop_thread(id)) give_up(id);
    return ERROR_SUCCESS;
}

static DWORD WINAPI LeaseOnline(RESID id, LPHANDLE event) {
    LeaseLock *device = id;
    unsigned long serial = 0;
    if (event != NULL) *event = NULL;
    DWORD error = read_path(device);
    if (error != ERROR_SUCCESS) return error;
    /* As the quorum resource it was arbitrated for before. */
    pthread_mutex_lock(&device->lock);
    BOOL is_arbitrated = device->is_arbitrated;
    pthread_mutex_unlock(&device->lock);
    if (is_arbitrated && is_ours(device, &serial)) return ERROR_SUCCESS;
    stop_thread(device);
    error = start(device, come_online, NULL);
    return error == ERROR_SUCCESS ? ERROR_IO_PENDING : error;
}

static DWORD WINAPI LeaseOffline(RESID id) {
    stop_thread(id);
    give_up(id);
    return ERROR_SUCCESS;
}

static VOID WINAPI LeaseTerminate(RESID id) {
    stop_thread(id);
    give_up(id);
}

static BOOL WINAPI LeaseAlive(RESID id) {
    unsigned long serial = 0;
    return is_ours(id, &serial);
}

static DWORD WINAPI LeaseControl(RESID id, DWORD code, PVOID in, DWORD in_size, PVOID out, DWORD out_size,
                                 LPDWORD returned) {
    static const CLUS_RESOURCE_CLASS_INFO storage = {CLUS_RESCLASS_STORAGE, CLUS_RESSUBCLASS_STORAGE_SHARED_BUS};
    (void)id;
    (void)in;
    (void)in_size;
    *returned = 0;
    switch (code) {
    case CLUSCTL_RESOURCE_UNKNOWN:
        return ERROR_SUCCESS;
    case CLUSCTL_RESOURCE_GET_CLASS_INFO:
        *returned = sizeof storage;
        if (out_size < sizeof storage) return ERROR_MORE_DATA;
        memcpy(out, &storage, sizeof storage);
        return ERROR_SUCCESS;
    default:
        return ERROR_INVALID_FUNCTION;
    }
}

/* Arbitrate and Release are what makes the type quorum-capable. */
static BOOL WINAPI LeaseLooksAlive(RESID id) { return LeaseAlive(id); }
static BOOL WINAPI LeaseIsAlive(RESID id) { return LeaseAlive(id); }
static CLRES_V1_FUNCTION_TABLE(lease_table, CLRES_VERSION_V1_00, Lease, LeaseArbitrate, LeaseRelease, LeaseControl, NULL);

RESAPI_EXPORT WOLFDEN_BIND_HOST_ROUTINE WolfdenBindHost;

DWORD WINAPI WolfdenBindHost(const WOLFDEN_HOST_TABLE *given) {
    if (given == NULL) return ERROR_INVALID_PARAMETER;
    memcpy(&host, given, given->size < sizeof host ? given->size : sizeof host);
    return ERROR_SUCCESS;
}

RESAPI_EXPORT STARTUP_ROUTINE Startup;

DWORD WINAPI Startup(LPCWSTR type, DWORD min, DWORD max, PSET_RESOURCE_STATUS_ROUTINE status, PLOG_EVENT_ROUTINE log,
                     PCLRES_FUNCTION_TABLE *table) {
    static const WCHAR name[] = CLUS_TEXT("C Lease Lock");
    if (type == NULL || status == NULL || log == NULL || table == NULL) return ERROR_INVALID_PARAMETER;
    size_t i = 0;
    while (name[i] != 0 && type[i] == name[i]) ++i;
    if (name[i] != type[i]) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    if (min > CLRES_VERSION_V1_00 || max < CLRES_VERSION_V1_00) return ERROR_REVISION_MISMATCH;
    set_status = status;
    log_event = log;
    *table = &lease_table;
    return ERROR_SUCCESS;
}
