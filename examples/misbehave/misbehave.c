/* A resource library that misbehaves on request, for testing whoever hosts libraries.
 *
 *   cc -shared -fPIC -pthread -I resapi-sys-mock/include examples/misbehave/misbehave.c -o libmisbehave.so
 *
 * What a resource of the type "Misbehave" does wrong is its private property Misbehaviour; the list is in names[] below.
 * Without the property, or with "nothing", it behaves. Misbehaviours that happen before there is a resource belong to types
 * of their own: "Misbehave bad-table", "Misbehave hang-in-startup" and so on.
 *
 * Every one of them is made on purpose. Do not copy from this file. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <resapi.h>
#include <wolfden_host.h>

/* Private property of "Misbehave": */
static const char *const names[] = {
    "nothing",
    /* Calls that do not return. */
    "hang-in-open", "hang-in-close", "hang-in-online", "hang-in-offline", "hang-in-terminate", "hang-in-looks-alive",
    "hang-in-is-alive", "hang-in-resource-control",
    /* The end of the process. */
    "crash-in-open", "crash-in-online", "crash-in-is-alive", "crash-in-worker", "exit-in-online", "abort-in-terminate",
    "stack-overflow-in-online", "heap-damage-in-offline", "memory-scribble-in-online",
    /* Status reports. */
    "wrong-status", "late-status", "status-after-close", "status-without-pending", "checkpoint-lie", "pending-for-ever",
    /* Handles. */
    "scribbled-handle", "null-status", "closes-the-key-of-open", "leaks-keys", "bad-event",
    /* Calls that are forbidden where they are made. */
    "forbidden-call-in-online", "forbidden-call-on-worker", "writes-registry-in-online", "enumerates-groups-in-is-alive",
    /* Results. */
    "open-returns-null", "strange-code-from-online", "lies-about-length", "slow-online", "flaps", "floods-the-log",
};

/* Types of their own: "Misbehave " and one of these. */
static const char *const type_names[] = {
    "bad-table", "short-table", "wrong-version", "no-table", "hang-in-startup", "crash-in-startup", "hang-in-type-control",
};

enum { NAME_BYTES = 64 };

typedef struct Instance {
    char what[NAME_BYTES];
    RESOURCE_HANDLE handle;
    HKEY key;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int terminated; /* how often Terminate was called */
    int closed;
    int polls;
} Instance;

static PSET_RESOURCE_STATUS_ROUTINE set_status;
static PLOG_EVENT_ROUTINE log_event;
static WOLFDEN_HOST_TABLE host;

static int is(const Instance *instance, const char *what) { return strcmp(instance->what, what) == 0; }

static void pause_ms(long ms) {
    struct timespec pause = {ms / 1000, (ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

static void hang(void) {
    for (;;) pause_ms(1000);
}

static void crash(void) {
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

/* Deeper with each call until the stack is used up; what it returns keeps the calls from being turned into a loop. */
static int overflow(volatile char *above, int depth) {
    volatile char room[4096];
    room[0] = above == NULL ? 0 : above[0];
    if (depth == 0) return 0;
    return overflow(room, depth + 1) + room[0];
}

static DWORD report(RESOURCE_HANDLE handle, int state, DWORD checkpoint) {
    RESOURCE_STATUS status;
    memset(&status, 0, sizeof status);
    status.ResourceState = (CLUSTER_RESOURCE_STATE)state;
    status.CheckPoint = checkpoint;
    return set_status(handle, &status);
}

/* Instances are never freed, so late threads are safe. */
static void wait_for(Instance *instance, int *counter) {
    pthread_mutex_lock(&instance->lock);
    while (*counter == 0) pthread_cond_wait(&instance->changed, &instance->lock);
    pthread_mutex_unlock(&instance->lock);
}

static void count(Instance *instance, int *counter) {
    pthread_mutex_lock(&instance->lock);
    *counter += 1;
    pthread_cond_broadcast(&instance->changed);
    pthread_mutex_unlock(&instance->lock);
}

static int equal(LPCWSTR wide, const char *narrow) {
    size_t i = 0;
    while (narrow[i] != 0 && wide[i] == (WCHAR)narrow[i]) ++i;
    return narrow[i] == 0 && wide[i] == 0;
}

/* The private property Misbehaviour, "nothing" when it is not set. */
static void read_property(Instance *instance) {
    strcpy(instance->what, "nothing");
    if (host.ClusterRegOpenKey == NULL) return;
    HKEY parameters = NULL;
    if (host.ClusterRegOpenKey(instance->key, CLUS_TEXT("Parameters"), KEY_READ, &parameters) != ERROR_SUCCESS) return;
    WCHAR text[NAME_BYTES];
    DWORD kind = 0, size = sizeof text - sizeof *text;
    if (host.ClusterRegQueryValue(parameters, CLUS_TEXT("Misbehaviour"), &kind, (LPBYTE)text, &size) == ERROR_SUCCESS &&
        kind == REG_SZ) {
        text[size / sizeof *text] = 0;
        for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
            if (equal(text, names[i])) strcpy(instance->what, names[i]);
        }
    }
    host.ClusterRegCloseKey(parameters);
}

static void *work(void *argument) {
    Instance *instance = argument;
    RESOURCE_HANDLE handle = instance->handle;
    if (is(instance, "crash-in-worker")) {
        /* Online has returned by now. */
        pause_ms(200);
        crash();
    } else if (is(instance, "wrong-status")) {
        report(handle, 77, 1);
    } else if (is(instance, "late-status")) {
        wait_for(instance, &instance->terminated);
        pause_ms(50);
        report(handle, ClusterResourceOnline, 1);
    } else if (is(instance, "status-after-close")) {
        report(handle, ClusterResourceOnline, 1);
        wait_for(instance, &instance->closed);
        pause_ms(50);
        report(handle, ClusterResourceFailed, 2);
    } else if (is(instance, "checkpoint-lie")) {
        while (report(handle, ClusterResourceOnlinePending, 5) == ResourceExitStateContinue) pause_ms(10);
    } else if (is(instance, "pending-for-ever")) {
        wait_for(instance, &instance->terminated);
    } else if (is(instance, "scribbled-handle")) {
        report((RESOURCE_HANDLE)12345, ClusterResourceFailed, 1);
        report(handle, ClusterResourceOnline, 1);
    } else if (is(instance, "null-status")) {
        set_status(handle, NULL);
        report(handle, ClusterResourceOnline, 1);
    } else if (is(instance, "forbidden-call-on-worker")) {
        ULONGLONG pass = host.WorkerPass == NULL ? 0 : host.WorkerPass();
        if (host.WorkerBegins != NULL) host.WorkerBegins(pass);
        if (host.GuardCall != NULL) host.GuardCall(CLUS_TEXT("MoveClusterGroup"), 0);
        if (host.WorkerEnds != NULL) host.WorkerEnds();
        report(handle, ClusterResourceOnline, 1);
    }
    return NULL;
}

static RESID WINAPI MisbehaveOpen(LPCWSTR name, HKEY key, RESOURCE_HANDLE handle) {
    (void)name;
    Instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) return NULL;
    instance->handle = handle;
    instance->key = key;
    pthread_mutex_init(&instance->lock, NULL);
    pthread_cond_init(&instance->changed, NULL);
    read_property(instance);
    if (is(instance, "hang-in-open")) hang();
    if (is(instance, "crash-in-open")) crash();
    if (is(instance, "open-returns-null")) return NULL;
    if (is(instance, "closes-the-key-of-open")) host.ClusterRegCloseKey(key);
    return instance;
}

static VOID WINAPI MisbehaveClose(RESID id) {
    Instance *instance = id;
    if (is(instance, "hang-in-close")) hang();
    count(instance, &instance->closed);
}

static DWORD WINAPI MisbehaveOnline(RESID id, LPHANDLE event) {
    Instance *instance = id;
    read_property(instance);
    if (is(instance, "hang-in-online")) hang();
    if (is(instance, "crash-in-online")) crash();
    if (is(instance, "exit-in-online")) exit(3);
    if (is(instance, "stack-overflow-in-online")) return (DWORD)overflow(NULL, 1);
    if (is(instance, "memory-scribble-in-online")) memset((void *)(uintptr_t)0x10000, 0xAA, 1u << 20);
    if (is(instance, "strange-code-from-online")) return 0xDEADBEEF;
    if (is(instance, "slow-online")) pause_ms(400);
    if (is(instance, "bad-event")) *event = (HANDLE)(uintptr_t)0x1234;
    if (is(instance, "status-without-pending")) report(instance->handle, ClusterResourceOfflinePending, 9);
    if (is(instance, "floods-the-log")) {
        for (DWORD i = 0; i < 5000; ++i) log_event(instance->handle, LOG_INFORMATION, CLUS_TEXT("line %1!u!"), i);
    }
    if (is(instance, "leaks-keys")) {
        HKEY leaked = NULL;
        for (int i = 0; i < 3; ++i) host.ClusterRegOpenKey(instance->key, CLUS_TEXT(""), KEY_READ, &leaked);
    }
    if (is(instance, "forbidden-call-in-online") && host.GuardCall != NULL) {
        DWORD answer = host.GuardCall(CLUS_TEXT("OnlineClusterResource"), 0);
        if (answer != ERROR_SUCCESS) return answer;
    }
    if (is(instance, "writes-registry-in-online")) {
        DWORD number = 1;
        DWORD answer = host.ClusterRegSetValue(instance->key, CLUS_TEXT("Scribble"), REG_DWORD, (const BYTE *)&number, sizeof number);
        if (answer != ERROR_SUCCESS) return answer;
    }
    static const char *const with_worker[] = {
        "crash-in-worker", "wrong-status",     "late-status",      "status-after-close",       "checkpoint-lie",
        "pending-for-ever", "scribbled-handle", "null-status",      "forbidden-call-on-worker",
    };
    for (size_t i = 0; i < sizeof with_worker / sizeof *with_worker; ++i) {
        pthread_t worker;
        if (!is(instance, with_worker[i])) continue;
        if (pthread_create(&worker, NULL, work, instance) != 0) return ERROR_NOT_ENOUGH_MEMORY;
        pthread_detach(worker);
        return ERROR_IO_PENDING;
    }
    return ERROR_SUCCESS;
}

static DWORD WINAPI MisbehaveOffline(RESID id) {
    Instance *instance = id;
    if (is(instance, "hang-in-offline")) hang();
    if (is(instance, "heap-damage-in-offline")) {
        /* The header of the block before the memory that malloc gave out; volatile, or an optimizer leaves the writes out. */
        char *volatile memory = malloc(64);
        volatile char *header = memory - 16;
        for (int i = 0; i < 16; ++i) header[i] = (char)0xAA;
        free(memory);
    }
    return ERROR_SUCCESS;
}

static VOID WINAPI MisbehaveTerminate(RESID id) {
    Instance *instance = id;
    if (is(instance, "hang-in-terminate")) hang();
    if (is(instance, "abort-in-terminate")) abort();
    count(instance, &instance->terminated);
}

static BOOL WINAPI MisbehaveLooksAlive(RESID id) {
    Instance *instance = id;
    if (is(instance, "hang-in-looks-alive")) hang();
    count(instance, &instance->polls);
    return !is(instance, "flaps");
}

static BOOL WINAPI MisbehaveIsAlive(RESID id) {
    Instance *instance = id;
    if (is(instance, "hang-in-is-alive")) hang();
    if (is(instance, "crash-in-is-alive")) crash();
    if (is(instance, "enumerates-groups-in-is-alive") && host.GuardCall != NULL) {
        host.GuardCall(CLUS_TEXT("ClusterResourceControl"), CLUSCTL_GROUP_GET_NAME);
    }
    /* Dead every other time. */
    return !is(instance, "flaps") || instance->polls % 2 == 0;
}

static DWORD WINAPI MisbehaveResourceControl(RESID id, DWORD code, PVOID in, DWORD in_size, PVOID out, DWORD out_size,
                                             LPDWORD returned) {
    Instance *instance = id;
    (void)in;
    (void)in_size;
    (void)out;
    if (is(instance, "hang-in-resource-control")) hang();
    if (is(instance, "lies-about-length") && code == CLUSCTL_RESOURCE_GET_CLASS_INFO) {
        *returned = out_size + 1000;
        return ERROR_SUCCESS;
    }
    *returned = 0;
    return code == CLUSCTL_RESOURCE_UNKNOWN ? ERROR_SUCCESS : ERROR_INVALID_FUNCTION;
}

static DWORD WINAPI MisbehaveResourceTypeControl(LPCWSTR type, DWORD code, PVOID in, DWORD in_size, PVOID out,
                                                 DWORD out_size, LPDWORD returned) {
    (void)in;
    (void)in_size;
    (void)out;
    (void)out_size;
    /* Not in the phases of the start, which come by themselves. */
    BOOL is_asked = code == CLUSCTL_RESOURCE_TYPE_GET_CLASS_INFO;
    if (is_asked && equal(type, "Misbehave hang-in-type-control")) hang();
    *returned = 0;
    return ERROR_INVALID_FUNCTION;
}

static CLRES_V1_FUNCTION_TABLE(good_table, CLRES_VERSION_V1_00, Misbehave, NULL, NULL, MisbehaveResourceControl,
                               MisbehaveResourceTypeControl);
static CLRES_FUNCTION_TABLE bad_table, short_table, wrong_version;

RESAPI_EXPORT WOLFDEN_BIND_HOST_ROUTINE WolfdenBindHost;

DWORD WINAPI WolfdenBindHost(const WOLFDEN_HOST_TABLE *given) {
    if (given == NULL) return ERROR_INVALID_PARAMETER;
    memcpy(&host, given, given->size < sizeof host ? given->size : sizeof host);
    return ERROR_SUCCESS;
}

RESAPI_EXPORT STARTUP_ROUTINE Startup;

DWORD WINAPI Startup(LPCWSTR type, DWORD min, DWORD max, PSET_RESOURCE_STATUS_ROUTINE status, PLOG_EVENT_ROUTINE log,
                     PCLRES_FUNCTION_TABLE *table) {
    (void)min;
    (void)max;
    set_status = status;
    log_event = log;
    if (equal(type, "Misbehave")) {
        *table = &good_table;
        return ERROR_SUCCESS;
    }
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; ++i) {
        char name[NAME_BYTES] = "Misbehave ";
        strcat(name, type_names[i]);
        if (!equal(type, name)) continue;
        if (strcmp(type_names[i], "hang-in-startup") == 0) hang();
        if (strcmp(type_names[i], "crash-in-startup") == 0) crash();
        bad_table = short_table = wrong_version = good_table;
        bad_table.V1Functions.Terminate = NULL;
        short_table.TableSize = 16;
        wrong_version.Version = 0x900;
        *table = &good_table;
        if (strcmp(type_names[i], "bad-table") == 0) *table = &bad_table;
        if (strcmp(type_names[i], "short-table") == 0) *table = &short_table;
        if (strcmp(type_names[i], "wrong-version") == 0) *table = &wrong_version;
        if (strcmp(type_names[i], "no-table") == 0) *table = NULL;
        return ERROR_SUCCESS;
    }
    return ERROR_CLUSTER_RESNAME_NOT_FOUND;
}
