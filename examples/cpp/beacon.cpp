// A resource type in C++: "Beacon" says its text a few times on the way online, and then lives until it is told to fail.
//
//   c++ -shared -fPIC -I resapi-sys-mock/include examples/cpp/beacon.cpp -L target/debug -lresutils -lclusapi -o libbeacon.so
//   x86_64-w64-mingw32-g++ -shared -static -I resapi-sys-mock/include examples/cpp/beacon.cpp
//       target/debug/windows/resutils.dll target/debug/windows/clusapi.dll -o beacon.dll
//
// The same source is a library of Linux and a Windows DLL. It is linked with the cluster API: its worker is one of
// ClusWorkerCreate, its private properties are a table for ResUtil functions:
//
//   Text   (REG_SZ, required)       what it says
//   Times  (REG_DWORD, 1 to 10, 2)  how often
#include <resapi.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

namespace {

PSET_RESOURCE_STATUS_ROUTINE set_status;
PLOG_EVENT_ROUTINE log_event;

// What the property table fills.
struct Settings {
    LPWSTR text;
    DWORD times;
};

RESUTIL_PROPERTY_ITEM *table() {
    static WCHAR text_name[] = CLUS_TEXT("Text"), times_name[] = CLUS_TEXT("Times");
    static RESUTIL_PROPERTY_ITEM items[3];
    items[0].Name = text_name;
    items[0].Format = CLUSPROP_FORMAT_SZ;
    items[0].Flags = RESUTIL_PROPITEM_REQUIRED;
    items[0].Offset = offsetof(Settings, text);
    items[1].Name = times_name;
    items[1].Format = CLUSPROP_FORMAT_DWORD;
    items[1].Default = 2;
    items[1].Minimum = 1;
    items[1].Maximum = 10;
    items[1].Offset = offsetof(Settings, times);
    return items;
}

// One resource, from Open to Close.
class Beacon {
public:
    Beacon(RESOURCE_HANDLE handle, HKEY parameters) : handle(handle), parameters(parameters) {}
    Beacon(const Beacon &) = delete;
    Beacon &operator=(const Beacon &) = delete;

    ~Beacon() {
        stop();
        ClusterRegCloseKey(parameters);
    }

    DWORD online() {
        stop();
        DWORD code = ClusWorkerCreate(&worker, &Beacon::work, this);
        return code == ERROR_SUCCESS ? ERROR_IO_PENDING : code;
    }

    // Ends the worker, and waits for it. Harmless when there is none.
    void stop() {
        ClusWorkerTerminate(&worker);
        is_online = false;
    }

    bool is_alive() const { return is_online; }

    void offline() {
        stop();
        log_event(handle, LOG_INFORMATION, CLUS_TEXT("the beacon is dark"));
    }

    DWORD control(DWORD code, PVOID in, DWORD in_size, PVOID out, DWORD out_size, LPDWORD returned) {
        DWORD required = 0, answer = ERROR_INVALID_FUNCTION;
        switch (code) {
        case CLUSCTL_RESOURCE_UNKNOWN:
            return ERROR_SUCCESS;
        case CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES:
            answer = ResUtilEnumProperties(table(), static_cast<LPWSTR>(out), out_size, returned, &required);
            break;
        case CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES:
            answer = ResUtilGetAllProperties(parameters, table(), out, out_size, returned, &required);
            break;
        case CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES:
            return ResUtilVerifyPropertyTable(table(), nullptr, FALSE, in, in_size, nullptr);
        case CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES:
            return ResUtilSetPropertyTable(parameters, table(), nullptr, FALSE, in, in_size, nullptr);
        default:
            break;
        }
        if (answer == ERROR_MORE_DATA) *returned = required;
        return answer;
    }

private:
    static DWORD WINAPI work(PCLUS_WORKER worker, PVOID parameter) {
        static_cast<Beacon *>(parameter)->come_online(worker);
        return 0;
    }

    void come_online(PCLUS_WORKER me) {
        Settings settings = {nullptr, 0};
        LPWSTR missing = nullptr;
        DWORD code =
            ResUtilGetPropertiesToParameterBlock(parameters, table(), reinterpret_cast<LPBYTE>(&settings), TRUE, &missing);
        DWORD said = 0;
        if (code != ERROR_SUCCESS) {
            log_event(handle, LOG_ERROR, CLUS_TEXT("the property %1 is wrong or missing: error %2!u!"),
                      missing != nullptr ? missing : CLUS_TEXT("?"), code);
        }
        while (code == ERROR_SUCCESS && said < settings.times && !ClusWorkerCheckTerminate(me)) {
            report(ClusterResourceOnlinePending, ++said);
            log_event(handle, LOG_INFORMATION, CLUS_TEXT("%1 (%2!u! of %3!u!)"), settings.text, said, settings.times);
        }
        LocalFree(missing);
        ResUtilFreeParameterBlock(reinterpret_cast<LPBYTE>(&settings), nullptr, table());
        if (ClusWorkerCheckTerminate(me)) return;
        is_online = code == ERROR_SUCCESS;
        report(is_online ? ClusterResourceOnline : ClusterResourceFailed, said + 1);
    }

    void report(CLUSTER_RESOURCE_STATE state, DWORD checkpoint) const {
        RESOURCE_STATUS status = {};
        status.ResourceState = state;
        status.CheckPoint = checkpoint;
        set_status(handle, &status);
    }

    RESOURCE_HANDLE handle;
    HKEY parameters;
    CLUS_WORKER worker = {};
    std::atomic<bool> is_online{false};
};

// The entry points. No exception may leave them, and nothing in here throws but `new`, which is asked not to.
RESID WINAPI BeaconOpen(LPCWSTR name, HKEY key, RESOURCE_HANDLE handle) {
    HKEY parameters = nullptr;
    DWORD code = ClusterRegCreateKey(key, CLUS_TEXT("Parameters"), 0, KEY_ALL_ACCESS, nullptr, &parameters, nullptr);
    std::unique_ptr<Beacon> beacon;
    if (code == ERROR_SUCCESS) beacon.reset(new (std::nothrow) Beacon(handle, parameters));
    if (!beacon) {
        SetLastError(code == ERROR_SUCCESS ? ERROR_NOT_ENOUGH_MEMORY : code);
        return nullptr;
    }
    log_event(handle, LOG_INFORMATION, CLUS_TEXT("opened %1"), name);
    return beacon.release();
}

VOID WINAPI BeaconClose(RESID id) { delete static_cast<Beacon *>(id); }

DWORD WINAPI BeaconOnline(RESID id, LPHANDLE) { return static_cast<Beacon *>(id)->online(); }

DWORD WINAPI BeaconOffline(RESID id) {
    static_cast<Beacon *>(id)->offline();
    return ERROR_SUCCESS;
}

VOID WINAPI BeaconTerminate(RESID id) { static_cast<Beacon *>(id)->stop(); }

BOOL WINAPI BeaconLooksAlive(RESID id) { return static_cast<Beacon *>(id)->is_alive(); }

BOOL WINAPI BeaconIsAlive(RESID id) { return static_cast<Beacon *>(id)->is_alive(); }

DWORD WINAPI BeaconResourceControl(RESID id, DWORD code, PVOID in, DWORD in_size, PVOID out, DWORD out_size,
                                   LPDWORD returned) {
    *returned = 0;
    return static_cast<Beacon *>(id)->control(code, in, in_size, out, out_size, returned);
}

DWORD WINAPI BeaconResourceTypeControl(LPCWSTR, DWORD code, PVOID, DWORD, PVOID, DWORD, LPDWORD returned) {
    *returned = 0;
    return code == CLUSCTL_RESOURCE_TYPE_UNKNOWN ? ERROR_SUCCESS : ERROR_INVALID_FUNCTION;
}

CLRES_V1_FUNCTION_TABLE(beacon_table, CLRES_VERSION_V1_00, Beacon, nullptr, nullptr, BeaconResourceControl,
                        BeaconResourceTypeControl);

bool is_beacon(LPCWSTR type) {
    LPCWSTR name = CLUS_TEXT("Beacon");
    while (*name != 0 && *type == *name) ++type, ++name;
    return *type == *name;
}

} // namespace

extern "C" RESAPI_EXPORT DWORD WINAPI Startup(LPCWSTR type, DWORD min, DWORD max, PSET_RESOURCE_STATUS_ROUTINE status,
                                              PLOG_EVENT_ROUTINE log, PCLRES_FUNCTION_TABLE *functions) {
    if (type == nullptr || status == nullptr || log == nullptr || functions == nullptr) return ERROR_INVALID_PARAMETER;
    if (!is_beacon(type)) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    if (min > CLRES_VERSION_V1_00 || max < CLRES_VERSION_V1_00) return ERROR_REVISION_MISMATCH;
    set_status = status;
    log_event = log;
    *functions = &beacon_table;
    return ERROR_SUCCESS;
}
