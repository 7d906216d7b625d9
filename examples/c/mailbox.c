/* A complete resource type in plain C: "Mailbox". While it is online a file holds as many empty slots as its property says.
 *
 *   cc -shared -fPIC -pthread -I resapi-sys-mock/include examples/c/mailbox.c -o libmailbox.so
 *
 * What counter.c leaves out is here: private properties that the library checks and stores itself (Path, Slots), a worker
 * that brings the resource online step by step, and an event handle by which it says at once that it has failed, so that
 * nobody has to poll it. Property lists are read with their lengths in mind: whoever sends one may have made it wrong. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <resapi.h>
#include <wolfden_host.h>

enum { TEXT_UNITS = 256, STEPS = 3, STEP_MS = 10, WATCH_MS = 20, SLOTS_DEFAULT = 10, SLOTS_MOST = 1000, LIST_BYTES = 4096 };

/* The private properties. */
typedef struct Properties {
    WCHAR path[TEXT_UNITS];
    DWORD slots;
} Properties;

/* One resource. `lock` guards everything below it. */
typedef struct Mailbox {
    RESOURCE_HANDLE handle;
    HKEY key;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Properties used;  /* since the last Online */
    HANDLE event;     /* signalled when the file is gone */
    pthread_t worker; /* brings it online, then watches */
    BOOL has_worker;
    BOOL stop;
    BOOL online;
} Mailbox;

static PSET_RESOURCE_STATUS_ROUTINE set_status;
static PLOG_EVENT_ROUTINE log_event;
static WOLFDEN_HOST_TABLE host;

static const WCHAR path_name[] = CLUS_TEXT("Path");
static const WCHAR slots_name[] = CLUS_TEXT("Slots");

static size_t length_of(const WCHAR *text) {
    size_t n = 0;
    while (text[n] != 0) ++n;
    return n;
}

static WCHAR folded(WCHAR c) { return c >= 'a' && c <= 'z' ? (WCHAR)(c - 'a' + 'A') : c; }

static BOOL same_name(const WCHAR *a, size_t a_units, const WCHAR *b) {
    if (a_units != length_of(b)) return FALSE;
    for (size_t i = 0; i < a_units; ++i) {
        if (folded(a[i]) != folded(b[i])) return FALSE;
    }
    return TRUE;
}

static void narrow(char *to, size_t room, const WCHAR *from) {
    size_t i = 0;
    for (; i + 1 < room && from[i] != 0; ++i) to[i] = from[i] < 128 ? (char)from[i] : '?';
    to[i] = 0;
}

/* ---- private properties in the cluster registry ---- */

static DWORD open_parameters(Mailbox *box, BOOL create, HKEY *parameters) {
    if (host.ClusterRegOpenKey == NULL) return ERROR_CALL_NOT_IMPLEMENTED;
    if (!create) return (DWORD)host.ClusterRegOpenKey(box->key, CLUS_TEXT("Parameters"), KEY_READ, parameters);
    return (DWORD)host.ClusterRegCreateKey(box->key, CLUS_TEXT("Parameters"), 0, KEY_ALL_ACCESS, NULL, parameters, NULL);
}

static void read_properties(Mailbox *box, Properties *properties) {
    HKEY parameters = NULL;
    DWORD kind = 0, size = sizeof properties->path - sizeof(WCHAR), number = 0;
    memset(properties, 0, sizeof *properties);
    properties->slots = SLOTS_DEFAULT;
    if (open_parameters(box, FALSE, &parameters) != ERROR_SUCCESS) return;
    LONG error = host.ClusterRegQueryValue(parameters, path_name, &kind, (LPBYTE)properties->path, &size);
    if (error != ERROR_SUCCESS || kind != REG_SZ) properties->path[0] = 0;
    size = sizeof number;
    error = host.ClusterRegQueryValue(parameters, slots_name, &kind, (LPBYTE)&number, &size);
    if (error == ERROR_SUCCESS && kind == REG_DWORD && size == sizeof number) properties->slots = number;
    host.ClusterRegCloseKey(parameters);
}

static DWORD write_properties(Mailbox *box, const Properties *properties) {
    HKEY parameters = NULL;
    DWORD error = open_parameters(box, TRUE, &parameters);
    if (error != ERROR_SUCCESS) return error;
    DWORD size = (DWORD)((length_of(properties->path) + 1) * sizeof(WCHAR));
    error = host.ClusterRegSetValue(parameters, path_name, REG_SZ, (const BYTE *)properties->path, size);
    if (error == ERROR_SUCCESS) {
        error = host.ClusterRegSetValue(parameters, slots_name, REG_DWORD, (const BYTE *)&properties->slots, sizeof(DWORD));
    }
    host.ClusterRegCloseKey(parameters);
    return error;
}

/* ---- property lists ---- */

/* A list under construction. */
typedef struct List {
    BYTE bytes[LIST_BYTES];
    DWORD size;
} List;

static void put(List *list, const void *data, DWORD size) {
    memcpy(list->bytes + list->size, data, size);
    list->size += size;
}

static void put_number(List *list, DWORD number) { put(list, &number, sizeof number); }

static void put_value(List *list, DWORD syntax, const void *data, DWORD size) {
    static const BYTE padding[4];
    put_number(list, syntax);
    put_number(list, size);
    put(list, data, size);
    put(list, padding, ALIGN_CLUSPROP(size) - size);
}

static void put_text(List *list, DWORD syntax, const WCHAR *text) {
    put_value(list, syntax, text, (DWORD)((length_of(text) + 1) * sizeof(WCHAR)));
}

static void put_properties(List *list, const Properties *properties) {
    put_number(list, 2);
    put_text(list, CLUSPROP_SYNTAX_NAME, path_name);
    put_text(list, CLUSPROP_SYNTAX_LIST_VALUE_SZ, properties->path);
    put_number(list, CLUSPROP_SYNTAX_ENDMARK);
    put_text(list, CLUSPROP_SYNTAX_NAME, slots_name);
    put_value(list, CLUSPROP_SYNTAX_LIST_VALUE_DWORD, &properties->slots, sizeof(DWORD));
    put_number(list, CLUSPROP_SYNTAX_ENDMARK);
}

static void put_formats(List *list) {
    const WORD text = CLUSPROP_FORMAT_SZ, number = CLUSPROP_FORMAT_DWORD;
    put_number(list, 2);
    put_text(list, CLUSPROP_SYNTAX_NAME, path_name);
    put_value(list, CLUSPROP_SYNTAX_LIST_VALUE_WORD, &text, sizeof text);
    put_number(list, CLUSPROP_SYNTAX_ENDMARK);
    put_text(list, CLUSPROP_SYNTAX_NAME, slots_name);
    put_value(list, CLUSPROP_SYNTAX_LIST_VALUE_WORD, &number, sizeof number);
    put_number(list, CLUSPROP_SYNTAX_ENDMARK);
}

/* A list that somebody sent. Nothing in it is believed before it was compared with `left`. */
typedef struct Reader {
    const BYTE *at;
    DWORD left;
} Reader;

static BOOL get(Reader *reader, void *to, DWORD size) {
    if (reader->left < size) return FALSE;
    if (to != NULL) memcpy(to, reader->at, size);
    reader->at += size;
    reader->left -= size;
    return TRUE;
}

/* The next value: TRUE with its syntax, and its bytes unless it is the end mark. */
static BOOL get_value(Reader *reader, DWORD *syntax, const BYTE **data, DWORD *size) {
    *data = NULL;
    *size = 0;
    if (!get(reader, syntax, sizeof *syntax)) return FALSE;
    if (*syntax == CLUSPROP_SYNTAX_ENDMARK) return TRUE;
    if (!get(reader, size, sizeof *size) || *size > reader->left) return FALSE;
    *data = reader->at;
    DWORD padded = *size > 0xFFFFFFFCu ? *size : ALIGN_CLUSPROP(*size);
    return get(reader, NULL, padded < reader->left ? padded : reader->left);
}

static DWORD accept_value(Properties *properties, const WCHAR *name, size_t units, DWORD syntax, const BYTE *data, DWORD size) {
    if (same_name(name, units, path_name)) {
        if (syntax != CLUSPROP_SYNTAX_LIST_VALUE_SZ) return ERROR_INVALID_DATA;
        if (size % sizeof(WCHAR) != 0) return ERROR_INVALID_DATA;
        if (size > sizeof properties->path - sizeof(WCHAR)) return ERROR_INVALID_PARAMETER;
        memset(properties->path, 0, sizeof properties->path);
        if (size > 0) memcpy(properties->path, data, size);
        return ERROR_SUCCESS;
    }
    if (same_name(name, units, slots_name)) {
        /* No bytes at all: back to the default. */
        DWORD number = SLOTS_DEFAULT;
        if (size != 0 && (syntax != CLUSPROP_SYNTAX_LIST_VALUE_DWORD || size != sizeof number)) return ERROR_INVALID_DATA;
        if (size != 0) memcpy(&number, data, sizeof number);
        if (number < 1 || number > SLOTS_MOST) return ERROR_INVALID_PARAMETER;
        properties->slots = number;
        return ERROR_SUCCESS;
    }
    return ERROR_INVALID_PARAMETER; /* a property that does not exist */
}

/* Reads a whole list into `properties`, or refuses all of it. */
static DWORD accept_list(Properties *properties, const void *in, DWORD in_size) {
    Reader reader = {in, in == NULL ? 0 : in_size};
    Properties wanted = *properties;
    DWORD count = 0;
    if (!get(&reader, &count, sizeof count)) return ERROR_INVALID_DATA;
    for (DWORD i = 0; i < count; ++i) {
        WCHAR name[TEXT_UNITS];
        DWORD syntax = 0, size = 0, value_syntax = 0, value_size = 0, end = 0, end_size = 0;
        const BYTE *data = NULL, *value = NULL, *none = NULL;
        if (!get_value(&reader, &syntax, &data, &size) || syntax != CLUSPROP_SYNTAX_NAME) return ERROR_INVALID_DATA;
        if (size < sizeof(WCHAR) || size % sizeof(WCHAR) != 0 || size > sizeof name) return ERROR_INVALID_DATA;
        memcpy(name, data, size);
        size_t units = size / sizeof(WCHAR) - 1;
        if (name[units] != 0) return ERROR_INVALID_DATA;
        if (!get_value(&reader, &value_syntax, &value, &value_size) || value_syntax == CLUSPROP_SYNTAX_ENDMARK) {
            return ERROR_INVALID_DATA;
        }
        /* More values of the same property do not count; they have to be whole all the same. */
        do {
            if (!get_value(&reader, &end, &none, &end_size)) return ERROR_INVALID_DATA;
        } while (end != CLUSPROP_SYNTAX_ENDMARK);
        DWORD error = accept_value(&wanted, name, units, value_syntax, value, value_size);
        if (error != ERROR_SUCCESS) return error;
    }
    *properties = wanted;
    return ERROR_SUCCESS;
}

/* ---- the mailbox ---- */

static void path_of(Mailbox *box, char *path, size_t room) {
    pthread_mutex_lock(&box->lock);
    narrow(path, room, box->used.path);
    pthread_mutex_unlock(&box->lock);
}

static BOOL is_there(Mailbox *box) {
    char path[TEXT_UNITS];
    struct stat facts;
    path_of(box, path, sizeof path);
    return path[0] != 0 && stat(path, &facts) == 0;
}

static void remove_file(Mailbox *box) {
    char path[TEXT_UNITS];
    path_of(box, path, sizeof path);
    if (path[0] != 0) unlink(path);
}

/* Waits so long, or until somebody wants the worker to stop. */
static BOOL pause_ms(Mailbox *box, long ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (ms % 1000) * 1000000L;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&box->lock);
    int result = 0;
    while (!box->stop && result != ETIMEDOUT) result = pthread_cond_timedwait(&box->changed, &box->lock, &until);
    BOOL goes_on = !box->stop;
    pthread_mutex_unlock(&box->lock);
    return goes_on;
}

static BOOL report(Mailbox *box, CLUSTER_RESOURCE_STATE state, DWORD checkpoint, HANDLE event) {
    RESOURCE_STATUS status;
    memset(&status, 0, sizeof status);
    status.ResourceState = state;
    status.CheckPoint = checkpoint;
    status.EventHandle = event;
    return set_status(box->handle, &status) != (DWORD)ResourceExitStateTerminate;
}

static BOOL write_file(Mailbox *box) {
    char path[TEXT_UNITS];
    path_of(box, path, sizeof path);
    FILE *file = path[0] == 0 ? NULL : fopen(path, "w");
    if (file == NULL) return FALSE;
    for (DWORD i = 0; i < box->used.slots; ++i) fprintf(file, "slot %u: empty\n", i);
    return fclose(file) == 0;
}

/* The worker: brings the mailbox online, and then watches over it. */
static void *work(void *argument) {
    Mailbox *box = argument;
    DWORD checkpoint = 0;
    for (int step = 0; step < STEPS; ++step) {
        if (!pause_ms(box, STEP_MS)) return NULL;
        if (!report(box, ClusterResourceOnlinePending, ++checkpoint, NULL)) return NULL;
    }
    if (!write_file(box)) {
        log_event(box->handle, LOG_ERROR, CLUS_TEXT("the file %1 cannot be written; check Path"), box->used.path);
        report(box, ClusterResourceFailed, ++checkpoint, NULL);
        return NULL;
    }
    pthread_mutex_lock(&box->lock);
    BOOL goes_on = !box->stop;
    box->online = goes_on;
    HANDLE event = box->event;
    pthread_mutex_unlock(&box->lock);
    /* The event goes out with the last report: from then on nobody polls LooksAlive. */
    if (!goes_on || !report(box, ClusterResourceOnline, ++checkpoint, event)) return NULL;
    while (pause_ms(box, WATCH_MS)) {
        if (is_there(box)) continue;
        log_event(box->handle, LOG_ERROR, CLUS_TEXT("the file %1 is gone"), box->used.path);
        if (event != NULL) host.SetEvent(event);
        return NULL;
    }
    return NULL;
}

/* Ends the worker and waits for it. Whoever takes has_worker joins, so two callers cannot both do it. */
static void stop_worker(Mailbox *box) {
    pthread_mutex_lock(&box->lock);
    box->stop = TRUE;
    box->online = FALSE;
    BOOL joins = box->has_worker && !pthread_equal(box->worker, pthread_self());
    if (joins) box->has_worker = FALSE;
    pthread_t worker = box->worker;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
    if (joins) pthread_join(worker, NULL);
}

static void close_event(Mailbox *box) {
    if (box->event != NULL) host.CloseEvent(box->event);
    box->event = NULL;
}

/* ---- entry points ---- */

static RESID WINAPI MailboxOpen(LPCWSTR name, HKEY key, RESOURCE_HANDLE handle) {
    Mailbox *box = calloc(1, sizeof *box);
    if (name == NULL || box == NULL) {
        free(box);
        return NULL;
    }
    box->handle = handle;
    box->key = key;
    pthread_mutex_init(&box->lock, NULL);
    pthread_cond_init(&box->changed, NULL);
    read_properties(box, &box->used);
    return box;
}

static VOID WINAPI MailboxClose(RESID id) {
    Mailbox *box = id;
    stop_worker(box);
    close_event(box);
    pthread_cond_destroy(&box->changed);
    pthread_mutex_destroy(&box->lock);
    free(box);
}

static DWORD WINAPI MailboxOnline(RESID id, LPHANDLE event) {
    Mailbox *box = id;
    Properties now;
    *event = NULL; /* it comes with the last report */
    stop_worker(box);
    close_event(box);
    read_properties(box, &now);
    if (now.path[0] == 0) {
        log_event(box->handle, LOG_ERROR, CLUS_TEXT("the property Path is not set"));
        return ERROR_INVALID_PARAMETER;
    }
    if (host.CreateEvent != NULL) box->event = host.CreateEvent(NULL, TRUE, FALSE, NULL);
    pthread_mutex_lock(&box->lock);
    box->used = now;
    box->stop = FALSE;
    int error = pthread_create(&box->worker, NULL, work, box);
    box->has_worker = error == 0;
    pthread_mutex_unlock(&box->lock);
    return error == 0 ? ERROR_IO_PENDING : ERROR_NOT_ENOUGH_MEMORY;
}

static DWORD WINAPI MailboxOffline(RESID id) {
    stop_worker(id);
    remove_file(id);
    return ERROR_SUCCESS;
}

static VOID WINAPI MailboxTerminate(RESID id) {
    stop_worker(id);
    remove_file(id);
}

static BOOL WINAPI MailboxLooksAlive(RESID id) { return is_there(id); }
static BOOL WINAPI MailboxIsAlive(RESID id) { return is_there(id); }

static DWORD give(const void *data, DWORD size, PVOID out, DWORD out_size, LPDWORD returned) {
    *returned = size;
    if (size > out_size) return ERROR_MORE_DATA;
    if (size > 0) memcpy(out, data, size);
    return ERROR_SUCCESS;
}

static DWORD set_properties(Mailbox *box, PVOID in, DWORD in_size) {
    Properties stored;
    read_properties(box, &stored);
    Properties wanted = stored;
    DWORD error = accept_list(&wanted, in, in_size);
    if (error != ERROR_SUCCESS || memcmp(&wanted, &stored, sizeof stored) == 0) return error;
    error = write_properties(box, &wanted);
    if (error != ERROR_SUCCESS) return error;
    pthread_mutex_lock(&box->lock);
    BOOL online = box->online;
    pthread_mutex_unlock(&box->lock);
    return online ? ERROR_RESOURCE_PROPERTIES_STORED : ERROR_SUCCESS;
}

static DWORD WINAPI MailboxResourceControl(RESID id, DWORD code, PVOID in, DWORD in_size, PVOID out, DWORD out_size,
                                           LPDWORD returned) {
    static const WCHAR names[] = CLUS_TEXT("Path\0Slots\0");
    Mailbox *box = id;
    Properties properties;
    List list = {{0}, 0};
    *returned = 0;
    switch (code) {
    case CLUSCTL_RESOURCE_UNKNOWN:
        return ERROR_SUCCESS;
    case CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES:
        return give(names, sizeof names, out, out_size, returned);
    case CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES:
        read_properties(box, &properties);
        put_properties(&list, &properties);
        return give(list.bytes, list.size, out, out_size, returned);
    case CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES:
        put_number(&list, 0);
        return give(list.bytes, list.size, out, out_size, returned);
    case CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS:
        put_formats(&list);
        return give(list.bytes, list.size, out, out_size, returned);
    case CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES:
        read_properties(box, &properties);
        return accept_list(&properties, in, in_size);
    case CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES:
        return set_properties(box, in, in_size);
    default:
        return ERROR_INVALID_FUNCTION; /* the monitor's default processing */
    }
}

static DWORD WINAPI MailboxResourceTypeControl(LPCWSTR type, DWORD code, PVOID in, DWORD in_size, PVOID out,
                                               DWORD out_size, LPDWORD returned) {
    List list = {{0}, 0};
    (void)type;
    (void)in;
    (void)in_size;
    *returned = 0;
    if (code == CLUSCTL_RESOURCE_TYPE_UNKNOWN) return ERROR_SUCCESS;
    if (code != CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_RESOURCE_PROPERTY_FMTS) return ERROR_INVALID_FUNCTION;
    put_formats(&list);
    return give(list.bytes, list.size, out, out_size, returned);
}

static CLRES_V1_FUNCTION_TABLE(mailbox_table, CLRES_VERSION_V1_00, Mailbox, NULL, NULL, MailboxResourceControl,
                               MailboxResourceTypeControl);

RESAPI_EXPORT WOLFDEN_BIND_HOST_ROUTINE WolfdenBindHost;

DWORD WINAPI WolfdenBindHost(const WOLFDEN_HOST_TABLE *given) {
    if (given == NULL) return ERROR_INVALID_PARAMETER;
    memcpy(&host, given, given->size < sizeof host ? given->size : sizeof host);
    return ERROR_SUCCESS;
}

RESAPI_EXPORT STARTUP_ROUTINE Startup;

DWORD WINAPI Startup(LPCWSTR type, DWORD min, DWORD max, PSET_RESOURCE_STATUS_ROUTINE status, PLOG_EVENT_ROUTINE log,
                     PCLRES_FUNCTION_TABLE *table) {
    static const WCHAR name[] = CLUS_TEXT("Mailbox");
    if (type == NULL || status == NULL || log == NULL || table == NULL) return ERROR_INVALID_PARAMETER;
    if (!same_name(type, length_of(type), name)) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    if (min > CLRES_VERSION_V1_00 || max < CLRES_VERSION_V1_00) return ERROR_REVISION_MISMATCH;
    set_status = status;
    log_event = log;
    *table = &mailbox_table;
    return ERROR_SUCCESS;
}
