/* The interface between a resource DLL and the Resource Monitor, for C and C++ authors.
 *
 * Written for Wolfden from the published documentation; names and layout are those of the Windows SDK, where the same
 * source compiles against the SDK's own <resapi.h>. A library exports Startup (and may export WolfdenBindHost, see
 * wolfden_host.h). tests/headers compares every size, offset and number with the Rust side. */
#ifndef WOLFDEN_RESAPI_H
#define WOLFDEN_RESAPI_H

#include "clusapi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Marks Startup as exported. */
#ifdef _WIN32
#define RESAPI_EXPORT __declspec(dllexport)
#else
#define RESAPI_EXPORT __attribute__((visibility("default")))
#endif

/* Versions of the interface. */
#define CLRES_VERSION_V1_00 0x100u /* Startup and the eleven classic entry points. */
#define CLRES_VERSION_V2_00 0x200u /* Server 2012: StartupEx, flags for Open, Online and Offline, Cancel. */
#define CLRES_VERSION_V3_00 0x300u /* Server 2012 R2: control calls may finish later. */
#define CLRES_VERSION_V4_00 0x400u /* Server 2016: control calls on behalf of a user. */

/* What Open returned: the library's own name for an instance. NULL means that Open failed. */
typedef PVOID RESID;
/* The monitor's name for an instance, good only for callbacks. */
typedef intptr_t RESOURCE_HANDLE;

typedef enum RESOURCE_EXIT_STATE {
    ResourceExitStateContinue = 0, /* Go on. */
    ResourceExitStateTerminate = 1, /* The resource was terminated: the worker stops now. */
    ResourceExitStateMax = 2 /* Number of answers. */
} RESOURCE_EXIT_STATE;

typedef enum LOG_LEVEL {
    LOG_INFORMATION = 0, /* A state changed. */
    LOG_WARNING = 1, /* Something was not as expected and was coped with. */
    LOG_ERROR = 2, /* Something failed. */
    LOG_SEVERE = 3 /* Something failed and somebody must act. */
} LOG_LEVEL;

typedef enum FAILURE_TYPE {
    FAILURE_TYPE_GENERAL = 0, /* The resource failed. */
    FAILURE_TYPE_EMBEDDED = 1, /* The application inside a virtual machine failed. */
    FAILURE_TYPE_NETWORK_LOSS = 2 /* A network of a virtual machine was lost. */
} FAILURE_TYPE;

typedef enum CLUSTER_RESOURCE_APPLICATION_STATE {
    ClusterResourceApplicationStateUnknown = 1, /* Nothing known. */
    ClusterResourceApplicationOSHeartBeat = 2, /* The operating system answers. */
    ClusterResourceApplicationReady = 3 /* The application answers. */
} CLUSTER_RESOURCE_APPLICATION_STATE;

/* Flags of OpenV2, OnlineV2, OfflineV2, and of RESOURCE_STATUS_EX. */
#define CLUS_RESDLL_OPEN_RECOVER_MONITOR_STATE 1u /* OpenV2: the monitor was replaced, the resource may still run. */
#define CLUS_RESDLL_OPEN_DONT_DELETE_TEMP_DISK 2u /* OpenV2: keep temporary disks. */
#define CLUS_RESDLL_ONLINE_RECOVER_MONITOR_STATE 1u /* OnlineV2: the monitor was replaced. */
#define CLUS_RESDLL_ONLINE_IGNORE_RESOURCE_STATUS 2u /* OnlineV2: go on although the resource is locked. */
#define CLUS_RESDLL_ONLINE_RETURN_TO_SOURCE_NODE_ON_ERROR 4u /* OnlineV2: on an error the group returns. */
#define CLUS_RESDLL_ONLINE_RESTORE_ONLINE_STATE 8u /* OnlineV2: restore the former state. */
#define CLUS_RESDLL_ONLINE_IGNORE_NETWORK_CONNECTIVITY 0x10u /* OnlineV2: go on without network. */
#define CLUS_RESDLL_OFFLINE_IGNORE_RESOURCE_STATUS 1u /* OfflineV2: go on although the resource is locked. */
#define CLUS_RESDLL_OFFLINE_RETURN_TO_SOURCE_NODE_ON_ERROR 2u /* OfflineV2: on an error the group returns. */
#define CLUS_RESDLL_OFFLINE_QUEUE_ENABLED 4u /* OfflineV2: the move may be queued. */
#define CLUS_RESDLL_OFFLINE_RETURNING_TO_SOURCE_NODE_BECAUSE_OF_ERROR 8u /* OfflineV2: this is the way back. */
#define CLUS_RESDLL_OFFLINE_DUE_TO_EMBEDDED_FAILURE 0x10u /* OfflineV2: the application inside failed. */
#define CLUS_RESDLL_OFFLINE_IGNORE_NETWORK_CONNECTIVITY 0x20u /* OfflineV2: go on without network. */
#define CLUS_RESDLL_OFFLINE_DO_NOT_UPDATE_PERSISTENT_STATE 0x40u /* OfflineV2: the wish stays as it was. */
#define CLUSRESDLL_STATUS_OFFLINE_BUSY 1u /* Try the move again later. */
#define CLUSRESDLL_STATUS_OFFLINE_SOURCE_THROTTLED 2u /* The source node has enough moves. */
#define CLUSRESDLL_STATUS_OFFLINE_DESTINATION_THROTTLED 4u /* The destination node has enough moves. */
#define CLUSRESDLL_STATUS_OFFLINE_DESTINATION_REJECTED 8u /* Veto against this destination. */
#define CLUSRESDLL_STATUS_INSUFFICIENT_MEMORY 0x10u /* Not enough memory. */
#define CLUSRESDLL_STATUS_INSUFFICIENT_PROCESSOR 0x20u /* Not enough processors. */
#define CLUSRESDLL_STATUS_INSUFFICIENT_OTHER_RESOURCES 0x40u /* Not enough of something else. */
#define CLUSRESDLL_STATUS_INVALID_PARAMETERS 0x80u /* The parameters make no sense. */
#define CLUSRESDLL_STATUS_NETWORK_NOT_AVAILABLE 0x100u /* No network. */
#define CLUSRESDLL_STATUS_DO_NOT_COLLECT_WER_REPORT 0x40000000u /* No error report, please. */
#define CLUSRESDLL_STATUS_DUMP_NOW 0x80000000u /* Write a dump at once. */
#define LOCKED_MODE_FLAGS_DONT_REMOVE_FROM_MOVE_QUEUE 1u /* SetResourceLockedModeEx: keep queued moves. */

/* Status report of version 1. Set everything to zero first. */
typedef struct RESOURCE_STATUS {
    CLUSTER_RESOURCE_STATE ResourceState;
    DWORD CheckPoint; /* grows with every report while pending */
    DWORD WaitHint;   /* not used */
    HANDLE EventHandle;
} RESOURCE_STATUS, *PRESOURCE_STATUS;

/* Status report of version 2 and later. */
typedef struct RESOURCE_STATUS_EX {
    CLUSTER_RESOURCE_STATE ResourceState;
    DWORD CheckPoint;
    HANDLE EventHandle;
    DWORD ApplicationSpecificErrorCode;
    DWORD Flags;
    DWORD WaitHint;
} RESOURCE_STATUS_EX, *PRESOURCE_STATUS_EX;

/* Worker of ClusWorkerCreate. */
typedef struct CLUS_WORKER {
    HANDLE hThread;
    BOOL Terminate;
} CLUS_WORKER, *PCLUS_WORKER;

/* Body of a worker. */
typedef DWORD(WINAPI *PWORKER_START_ROUTINE)(PCLUS_WORKER pWorker, PVOID lpThreadParameter);

/* Callbacks of the monitor. LogEvent takes a FormatMessage-style text: %1, %2!u! and so on. */
typedef VOID (*PLOG_EVENT_ROUTINE)(RESOURCE_HANDLE ResourceHandle, LOG_LEVEL LogLevel, LPCWSTR FormatString, ...);
typedef VOID (WINAPI *PQUORUM_RESOURCE_LOST)(RESOURCE_HANDLE Resource);
typedef DWORD (WINAPI *PSET_RESOURCE_STATUS_ROUTINE)(RESOURCE_HANDLE ResourceHandle, PRESOURCE_STATUS ResourceStatus);
typedef DWORD (WINAPI *PSET_RESOURCE_STATUS_ROUTINE_EX)(
    RESOURCE_HANDLE ResourceHandle, PRESOURCE_STATUS_EX ResourceStatus);
typedef DWORD (WINAPI *PSET_RESOURCE_LOCKED_MODE_ROUTINE)(
    RESOURCE_HANDLE ResourceHandle, BOOL LockedModeEnabled, DWORD LockedModeReason);
typedef DWORD (WINAPI *PSET_RESOURCE_LOCKED_MODE_EX_ROUTINE)(
    RESOURCE_HANDLE ResourceHandle, BOOL LockedModeEnabled, DWORD LockedModeReason, DWORD LockedModeFlags);
typedef DWORD (WINAPI *PSIGNAL_FAILURE_ROUTINE)(
    RESOURCE_HANDLE ResourceHandle, FAILURE_TYPE FailureType, DWORD ApplicationSpecificErrorCode);
typedef DWORD (WINAPI *PSET_RESOURCE_INMEMORY_NODELOCAL_PROPERTIES_ROUTINE)(
    RESOURCE_HANDLE ResourceHandle, PBYTE PropertyListBuffer, DWORD PropertyListBufferSize);
typedef DWORD (WINAPI *PEND_CONTROL_CALL)(LONGLONG context, DWORD status);
typedef DWORD (WINAPI *PEND_TYPE_CONTROL_CALL)(LONGLONG context, DWORD status);
typedef DWORD (WINAPI *PEXTEND_RES_CONTROL_CALL)(LONGLONG context, DWORD newTimeoutInMs);
typedef DWORD (WINAPI *PEXTEND_RES_TYPE_CONTROL_CALL)(LONGLONG context, DWORD newTimeoutInMs);
typedef DWORD (WINAPI *PRAISE_RES_TYPE_NOTIFICATION)(LPCWSTR resourceType, const BYTE *pPayload, DWORD payloadSize);
typedef DWORD (WINAPI *PCHANGE_RESOURCE_PROCESS_FOR_DUMPS)(
    RESOURCE_HANDLE resource, LPCWSTR processName, DWORD processId, BOOL isAdd);
typedef DWORD (WINAPI *PCHANGE_RES_TYPE_PROCESS_FOR_DUMPS)(
    LPCWSTR resourceTypeName, LPCWSTR processName, DWORD processId, BOOL isAdd);
typedef DWORD (WINAPI *PSET_INTERNAL_STATE)(
    RESOURCE_HANDLE resource, CLUSTER_RESOURCE_APPLICATION_STATE stateType, BOOL active);
typedef DWORD (WINAPI *PREQUEST_DUMP_ROUTINE)(
    RESOURCE_HANDLE ResourceHandle, BOOL DumpDueToCallInProgress, DWORD DumpDelayInMs);
typedef DWORD (WINAPI *PSET_RESOURCE_WPR_POLICY_ROUTINE)(RESOURCE_HANDLE ResourceHandle, DWORD WprPolicyFlags);
typedef DWORD (WINAPI *PARM_WPR_WATCHDOG_FOR_CURRENT_RESOURCE_CALL_ROUTINE)(
    RESOURCE_HANDLE ResourceHandle, ULONGLONG TimeoutInMs);

/* Entry points of a resource DLL. */
typedef RESID (WINAPI *POPEN_ROUTINE)(LPCWSTR ResourceName, HKEY ResourceKey, RESOURCE_HANDLE ResourceHandle);
typedef RESID (WINAPI *POPEN_V2_ROUTINE)(
    LPCWSTR ResourceName, HKEY ResourceKey, RESOURCE_HANDLE ResourceHandle, DWORD OpenFlags);
typedef VOID (WINAPI *PCLOSE_ROUTINE)(RESID Resource);
typedef DWORD (WINAPI *PONLINE_ROUTINE)(RESID Resource, LPHANDLE EventHandle);
typedef DWORD (WINAPI *PONLINE_V2_ROUTINE)(
    RESID Resource, LPHANDLE EventHandle, DWORD OnlineFlags, PBYTE InBuffer, DWORD InBufferSize, DWORD Reserved);
typedef DWORD (WINAPI *POFFLINE_ROUTINE)(RESID Resource);
typedef DWORD (WINAPI *POFFLINE_V2_ROUTINE)(
    RESID Resource, LPCWSTR DestinationNodeName, DWORD OfflineFlags, PBYTE InBuffer, DWORD InBufferSize,
    DWORD Reserved);
typedef VOID (WINAPI *PTERMINATE_ROUTINE)(RESID Resource);
typedef BOOL (WINAPI *PLOOKS_ALIVE_ROUTINE)(RESID Resource);
typedef BOOL (WINAPI *PIS_ALIVE_ROUTINE)(RESID Resource);
typedef DWORD (WINAPI *PARBITRATE_ROUTINE)(RESID Resource, PQUORUM_RESOURCE_LOST LostQuorumResource);
typedef DWORD (WINAPI *PRELEASE_ROUTINE)(RESID Resource);
typedef DWORD (WINAPI *PRESOURCE_CONTROL_ROUTINE)(
    RESID Resource, DWORD ControlCode, PVOID InBuffer, DWORD InBufferSize, PVOID OutBuffer, DWORD OutBufferSize,
    LPDWORD BytesReturned);
typedef DWORD (WINAPI *PRESOURCE_TYPE_CONTROL_ROUTINE)(
    LPCWSTR ResourceTypeName, DWORD ControlCode, PVOID InBuffer, DWORD InBufferSize, PVOID OutBuffer,
    DWORD OutBufferSize, LPDWORD BytesReturned);
typedef DWORD (WINAPI *PCANCEL_ROUTINE)(RESID Resource, DWORD CancelFlags_RESERVED);
typedef DWORD (WINAPI *PBEGIN_RESCALL_ROUTINE)(
    RESID Resource, DWORD ControlCode, PVOID InBuffer, DWORD InBufferSize, PVOID OutBuffer, DWORD OutBufferSize,
    LPDWORD BytesReturned, LONGLONG Context, LPBOOL ReturnedAsynchronously);
typedef DWORD (WINAPI *PBEGIN_RESTYPECALL_ROUTINE)(
    LPCWSTR ResourceTypeName, DWORD ControlCode, PVOID InBuffer, DWORD InBufferSize, PVOID OutBuffer,
    DWORD OutBufferSize, LPDWORD BytesReturned, LONGLONG Context, LPBOOL ReturnedAsynchronously);
typedef DWORD (WINAPI *PBEGIN_RESCALL_AS_USER_ROUTINE)(
    RESID Resource, HANDLE TokenHandle, DWORD ControlCode, PVOID InBuffer, DWORD InBufferSize, PVOID OutBuffer,
    DWORD OutBufferSize, LPDWORD BytesReturned, LONGLONG Context, LPBOOL ReturnedAsynchronously);
typedef DWORD (WINAPI *PBEGIN_RESTYPECALL_AS_USER_ROUTINE)(
    LPCWSTR ResourceTypeName, HANDLE TokenHandle, DWORD ControlCode, PVOID InBuffer, DWORD InBufferSize,
    PVOID OutBuffer, DWORD OutBufferSize, LPDWORD BytesReturned, LONGLONG Context, LPBOOL ReturnedAsynchronously);

/* Function tables. Arbitrate and Release may be NULL, the others not. */
typedef struct CLRES_V1_FUNCTIONS {
    POPEN_ROUTINE Open;
    PCLOSE_ROUTINE Close;
    PONLINE_ROUTINE Online;
    POFFLINE_ROUTINE Offline;
    PTERMINATE_ROUTINE Terminate;
    PLOOKS_ALIVE_ROUTINE LooksAlive;
    PIS_ALIVE_ROUTINE IsAlive;
    PARBITRATE_ROUTINE Arbitrate;
    PRELEASE_ROUTINE Release;
    PRESOURCE_CONTROL_ROUTINE ResourceControl;
    PRESOURCE_TYPE_CONTROL_ROUTINE ResourceTypeControl;
} CLRES_V1_FUNCTIONS, *PCLRES_V1_FUNCTIONS;

typedef struct CLRES_V2_FUNCTIONS {
    POPEN_V2_ROUTINE Open;
    PCLOSE_ROUTINE Close;
    PONLINE_V2_ROUTINE Online;
    POFFLINE_V2_ROUTINE Offline;
    PTERMINATE_ROUTINE Terminate;
    PLOOKS_ALIVE_ROUTINE LooksAlive;
    PIS_ALIVE_ROUTINE IsAlive;
    PARBITRATE_ROUTINE Arbitrate;
    PRELEASE_ROUTINE Release;
    PRESOURCE_CONTROL_ROUTINE ResourceControl;
    PRESOURCE_TYPE_CONTROL_ROUTINE ResourceTypeControl;
    PCANCEL_ROUTINE Cancel;
} CLRES_V2_FUNCTIONS, *PCLRES_V2_FUNCTIONS;

typedef struct CLRES_V3_FUNCTIONS {
    POPEN_V2_ROUTINE Open;
    PCLOSE_ROUTINE Close;
    PONLINE_V2_ROUTINE Online;
    POFFLINE_V2_ROUTINE Offline;
    PTERMINATE_ROUTINE Terminate;
    PLOOKS_ALIVE_ROUTINE LooksAlive;
    PIS_ALIVE_ROUTINE IsAlive;
    PARBITRATE_ROUTINE Arbitrate;
    PRELEASE_ROUTINE Release;
    PBEGIN_RESCALL_ROUTINE BeginResourceControl;
    PBEGIN_RESTYPECALL_ROUTINE BeginResourceTypeControl;
    PCANCEL_ROUTINE Cancel;
} CLRES_V3_FUNCTIONS, *PCLRES_V3_FUNCTIONS;

typedef struct CLRES_V4_FUNCTIONS {
    POPEN_V2_ROUTINE Open;
    PCLOSE_ROUTINE Close;
    PONLINE_V2_ROUTINE Online;
    POFFLINE_V2_ROUTINE Offline;
    PTERMINATE_ROUTINE Terminate;
    PLOOKS_ALIVE_ROUTINE LooksAlive;
    PIS_ALIVE_ROUTINE IsAlive;
    PARBITRATE_ROUTINE Arbitrate;
    PRELEASE_ROUTINE Release;
    PBEGIN_RESCALL_ROUTINE BeginResourceControl;
    PBEGIN_RESTYPECALL_ROUTINE BeginResourceTypeControl;
    PCANCEL_ROUTINE Cancel;
    PBEGIN_RESCALL_AS_USER_ROUTINE BeginResourceControlAsUser;
    PBEGIN_RESTYPECALL_AS_USER_ROUTINE BeginResourceTypeControlAsUser;
} CLRES_V4_FUNCTIONS, *PCLRES_V4_FUNCTIONS;

typedef struct CLRES_CALLBACK_FUNCTION_TABLE {
    PLOG_EVENT_ROUTINE LogEvent;
    PSET_RESOURCE_STATUS_ROUTINE_EX SetResourceStatusEx;
    PSET_RESOURCE_LOCKED_MODE_ROUTINE SetResourceLockedMode;
    PSIGNAL_FAILURE_ROUTINE SignalFailure;
    PSET_RESOURCE_INMEMORY_NODELOCAL_PROPERTIES_ROUTINE SetResourceInMemoryNodeLocalProperties;
    PEND_CONTROL_CALL EndControlCall;
    PEND_TYPE_CONTROL_CALL EndTypeControlCall;
    PEXTEND_RES_CONTROL_CALL ExtendControlCall;
    PEXTEND_RES_TYPE_CONTROL_CALL ExtendTypeControlCall;
    PRAISE_RES_TYPE_NOTIFICATION RaiseResTypeNotification;
    PCHANGE_RESOURCE_PROCESS_FOR_DUMPS ChangeResourceProcessForDumps;
    PCHANGE_RES_TYPE_PROCESS_FOR_DUMPS ChangeResTypeProcessForDumps;
    PSET_INTERNAL_STATE SetInternalState;
    PSET_RESOURCE_LOCKED_MODE_EX_ROUTINE SetResourceLockedModeEx;
    PREQUEST_DUMP_ROUTINE RequestDump;
    PSET_RESOURCE_WPR_POLICY_ROUTINE SetResourceWprPolicy;
    PARM_WPR_WATCHDOG_FOR_CURRENT_RESOURCE_CALL_ROUTINE ArmWprWatchdogForCurrentResourceCall;
} CLRES_CALLBACK_FUNCTION_TABLE, *PCLRES_CALLBACK_FUNCTION_TABLE;

/* What Startup returns: one static table per resource type. TableSize is the size of the valid member alone. */
typedef struct CLRES_FUNCTION_TABLE {
    DWORD TableSize;
    DWORD Version;
    union {
        CLRES_V1_FUNCTIONS V1Functions;
        CLRES_V2_FUNCTIONS V2Functions;
        CLRES_V3_FUNCTIONS V3Functions;
        CLRES_V4_FUNCTIONS V4Functions;
    };
} CLRES_FUNCTION_TABLE, *PCLRES_FUNCTION_TABLE;

#define CLRES_V1_FUNCTION_SIZE sizeof(CLRES_V1_FUNCTIONS)
#define CLRES_V2_FUNCTION_SIZE sizeof(CLRES_V2_FUNCTIONS)
#define CLRES_V3_FUNCTION_SIZE sizeof(CLRES_V3_FUNCTIONS)
#define CLRES_V4_FUNCTION_SIZE sizeof(CLRES_V4_FUNCTIONS)

/* Defines the table `name` from the functions prefixOpen, prefixClose, prefixOnline and so on. */
#define CLRES_V1_FUNCTION_TABLE(name, version, prefix, arbitrate, release, resourceControl, resourceTypeControl) \
    CLRES_FUNCTION_TABLE name = {                                                                                \
        CLRES_V1_FUNCTION_SIZE,                                                                                  \
        version,                                                                                                 \
        {{prefix##Open, prefix##Close, prefix##Online, prefix##Offline, prefix##Terminate, prefix##LooksAlive,   \
          prefix##IsAlive, arbitrate, release, resourceControl, resourceTypeControl}}}

/* Startup (version 1). 0 and the table; 5080 for a type that is not in this library; 1306 when
 * MinVersionSupported..MaxVersionSupported does not contain the version of the table. */
typedef DWORD(WINAPI STARTUP_ROUTINE)(LPCWSTR ResourceType, DWORD MinVersionSupported, DWORD MaxVersionSupported,
                                      PSET_RESOURCE_STATUS_ROUTINE SetResourceStatus, PLOG_EVENT_ROUTINE LogEvent,
                                      PCLRES_FUNCTION_TABLE *FunctionTable);
typedef STARTUP_ROUTINE *PSTARTUP_ROUTINE;

/* StartupEx (version 2 and later). */
typedef DWORD(WINAPI STARTUP_EX_ROUTINE)(LPCWSTR ResourceType, DWORD MinVersionSupported, DWORD MaxVersionSupported,
                                         PCLRES_CALLBACK_FUNCTION_TABLE MonitorCallbackFunctions,
                                         PCLRES_FUNCTION_TABLE *ResourceDllInterfaceFunctions);
typedef STARTUP_EX_ROUTINE *PSTARTUP_EX_ROUTINE;

#define STARTUP_EXPORT "Startup"
#define STARTUP_EX_EXPORT "StartupEx"

#ifdef __cplusplus
}
#endif

#include "resutil_functions.h"

#endif
