/* A resource type in plain C: "Counter" takes a few steps to come online and then counts its health checks.
 *
 *   cc -shared -fPIC -pthread -I resapi-sys-mock/include examples/c/counter.c -o libcounter.so
 *
 * It shows the version 1 interface without any help: a Startup that hands out a static table, an instance with
 * private state, an Online that answers ERROR_IO_PENDING and reports from a worker thread, and a Terminate that may
 * come at any time. The environment of the monitor sets its pace:
 *
 *   COUNTER_STEPS     checkpoints on the way online (3)
 *   COUNTER_STEP_MS   time between two of them (200)
 *   COUNTER_LIFE      health checks that succeed before one fails; 0 is no limit (0)
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <resapi.h>

enum { NAME_UNITS = 256 };

/* One resource. `lock` guards everything below it: Terminate may overlap every other entry point but Open and Close. */
typedef struct Counter {
    WCHAR name[NAME_UNITS];
    RESOURCE_HANDLE handle;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t worker;
    BOOL has_worker;    /* a worker was started and not joined yet */
    BOOL stop;          /* the worker should end, nobody waits for its result */
    BOOL online;
    DWORD checks;       /* health checks since online */
} Counter;

/* The callbacks of the monitor, the same for every instance. */
static PSET_RESOURCE_STATUS_ROUTINE set_status;
static PLOG_EVENT_ROUTINE log_event;

static DWORD setting(const char *name, DWORD standard) {
    const char *text = getenv(name);
    if (text == NULL || *text == 0) return standard;
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    return *end == 0 && number <= 0xFFFFFFFFul ? (DWORD)number : standard;
}

/* Sleeps under the lock, wakes at once for a stop. */
static void pause_ms(Counter *counter, DWORD ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec += 1;
        until.tv_nsec -= 1000000000L;
    }
    int result = 0;
    while (!counter->stop && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&counter->changed, &counter->lock, &until);
    }
}

/* Reports without the lock: the monitor may call Terminate before this returns. FALSE: stop at once. */
static BOOL report(Counter *counter, CLUSTER_RESOURCE_STATE state, DWORD checkpoint) {
    RESOURCE_STATUS status;
    memset(&status, 0, sizeof status);
    status.ResourceState = state;
    status.CheckPoint = checkpoint;
    return set_status(counter->handle, &status) != (DWORD)ResourceExitStateTerminate;
}

/* The way online: step by step, each a new checkpoint, so that the pending time-out starts again. */
static void *come_online(void *argument) {
    Counter *counter = argument;
    DWORD steps = setting("COUNTER_STEPS", 3);
    DWORD step_ms = setting("COUNTER_STEP_MS", 200);
    DWORD checkpoint = 0;
    for (DWORD step = 1; step <= steps; ++step) {
        pthread_mutex_lock(&counter->lock);
        pause_ms(counter, step_ms);
        BOOL stop = counter->stop;
        pthread_mutex_unlock(&counter->lock);
        if (stop || !report(counter, ClusterResourceOnlinePending, ++checkpoint)) return NULL;
        log_event(counter->handle, LOG_INFORMATION, CLUS_TEXT("step %1!u! of %2!u!"), step, steps);
    }
    pthread_mutex_lock(&counter->lock);
    BOOL stop = counter->stop;
    if (!stop) {
        counter->online = TRUE;
        counter->checks = 0;
    }
    pthread_mutex_unlock(&counter->lock);
    if (!stop) report(counter, ClusterResourceOnline, ++checkpoint);
    return NULL;
}

/* Asks the worker to stop and waits for it. Whoever takes `has_worker` joins, so two callers cannot both do it. */
static void stop_worker(Counter *counter) {
    pthread_mutex_lock(&counter->lock);
    counter->stop = TRUE;
    counter->online = FALSE;
    BOOL joins = counter->has_worker && !pthread_equal(counter->worker, pthread_self());
    if (joins) counter->has_worker = FALSE;
    pthread_t worker = counter->worker;
    pthread_cond_broadcast(&counter->changed);
    pthread_mutex_unlock(&counter->lock);
    if (joins) pthread_join(worker, NULL);
}

static RESID WINAPI CounterOpen(LPCWSTR name, HKEY key, RESOURCE_HANDLE handle) {
    (void)key;
    Counter *counter = calloc(1, sizeof *counter);
    if (name == NULL || counter == NULL) {
        free(counter);
        return NULL;
    }
    for (size_t i = 0; i + 1 < NAME_UNITS && name[i] != 0; ++i) counter->name[i] = name[i];
    counter->handle = handle;
    pthread_mutex_init(&counter->lock, NULL);
    pthread_cond_init(&counter->changed, NULL);
    log_event(handle, LOG_INFORMATION, CLUS_TEXT("opened %1"), counter->name);
    return counter;
}

static VOID WINAPI CounterClose(RESID id) {
    Counter *counter = id;
    if (counter == NULL) return;
    stop_worker(counter);
    pthread_cond_destroy(&counter->changed);
    pthread_mutex_destroy(&counter->lock);
    free(counter);
}

static DWORD WINAPI CounterOnline(RESID id, LPHANDLE event) {
    Counter *counter = id;
    if (counter == NULL) return ERROR_INVALID_HANDLE;
    if (event != NULL) *event = NULL; /* poll me */
    stop_worker(counter);
    pthread_mutex_lock(&counter->lock);
    counter->stop = FALSE;
    int error = pthread_create(&counter->worker, NULL, come_online, counter);
    counter->has_worker = error == 0;
    pthread_mutex_unlock(&counter->lock);
    return error == 0 ? ERROR_IO_PENDING : ERROR_NOT_ENOUGH_MEMORY;
}

static DWORD WINAPI CounterOffline(RESID id) {
    Counter *counter = id;
    if (counter == NULL) return ERROR_INVALID_HANDLE;
    pthread_mutex_lock(&counter->lock);
    DWORD checks = counter->checks;
    pthread_mutex_unlock(&counter->lock);
    stop_worker(counter);
    log_event(counter->handle, LOG_INFORMATION, CLUS_TEXT("%1 counted %2!u! checks"), counter->name, checks);
    return ERROR_SUCCESS;
}

static VOID WINAPI CounterTerminate(RESID id) {
    if (id != NULL) stop_worker(id);
}

static BOOL is_up(Counter *counter) {
    if (counter == NULL) return FALSE;
    DWORD life = setting("COUNTER_LIFE", 0);
    pthread_mutex_lock(&counter->lock);
    counter->checks += 1;
    BOOL up = counter->online && (life == 0 || counter->checks <= life);
    pthread_mutex_unlock(&counter->lock);
    return up;
}

static BOOL WINAPI CounterLooksAlive(RESID id) { return is_up(id); }

static BOOL WINAPI CounterIsAlive(RESID id) {
    BOOL up = is_up(id);
    if (id != NULL && !up) log_event(((Counter *)id)->handle, LOG_ERROR, CLUS_TEXT("the life of this counter is over"));
    return up;
}

static DWORD WINAPI CounterResourceControl(RESID id, DWORD code, PVOID in, DWORD in_size, PVOID out, DWORD out_size,
                                           LPDWORD returned) {
    (void)in;
    (void)in_size;
    (void)out;
    (void)out_size;
    if (id == NULL) return ERROR_INVALID_HANDLE;
    if (returned != NULL) *returned = 0;
    /* No private properties: everything else is the monitor's default processing. */
    return code == CLUSCTL_RESOURCE_UNKNOWN ? ERROR_SUCCESS : ERROR_INVALID_FUNCTION;
}

static DWORD WINAPI CounterResourceTypeControl(LPCWSTR type, DWORD code, PVOID in, DWORD in_size, PVOID out,
                                               DWORD out_size, LPDWORD returned) {
    (void)type;
    (void)in;
    (void)in_size;
    (void)out;
    (void)out_size;
    if (returned != NULL) *returned = 0;
    return code == CLUSCTL_RESOURCE_TYPE_UNKNOWN ? ERROR_SUCCESS : ERROR_INVALID_FUNCTION;
}

static CLRES_V1_FUNCTION_TABLE(counter_table, CLRES_VERSION_V1_00, Counter, NULL, NULL, CounterResourceControl,
                               CounterResourceTypeControl);

static BOOL is_counter(LPCWSTR type) {
    static const WCHAR name[] = CLUS_TEXT("Counter");
    size_t i = 0;
    while (name[i] != 0 && type[i] == name[i]) ++i;
    return name[i] == type[i];
}

RESAPI_EXPORT STARTUP_ROUTINE Startup;

DWORD WINAPI Startup(LPCWSTR type, DWORD min, DWORD max, PSET_RESOURCE_STATUS_ROUTINE status, PLOG_EVENT_ROUTINE log,
                     PCLRES_FUNCTION_TABLE *table) {
    if (type == NULL || status == NULL || log == NULL || table == NULL) return ERROR_INVALID_PARAMETER;
    if (!is_counter(type)) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    if (min > CLRES_VERSION_V1_00 || max < CLRES_VERSION_V1_00) return ERROR_REVISION_MISMATCH;
    set_status = status;
    log_event = log;
    *table = &counter_table;
    return ERROR_SUCCESS;
}
