/* Handles, states, filters and structures of the cluster API, for C and C++ authors.
 *
 * Written for Wolfden from the published documentation; the names are those of the SDK. Outside of Windows there is no
 * kernel32: libclusapi exports the four functions of it that a client of the cluster needs. */
#ifndef WOLFDEN_CLUSAPI_OBJECTS_H
#define WOLFDEN_CLUSAPI_OBJECTS_H

#include "clusapi.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef _WIN32

typedef uintptr_t DWORD_PTR;
typedef int32_t HRESULT;
typedef DWORD SECURITY_INFORMATION;
typedef PVOID PSECURITY_DESCRIPTOR;
typedef struct _SECURITY_ATTRIBUTES {
    DWORD nLength;
    PVOID lpSecurityDescriptor;
    BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;
typedef struct _GUID {
    DWORD Data1;
    WORD Data2;
    WORD Data3;
    BYTE Data4[8];
} GUID;
typedef struct SC_HANDLE__ *SC_HANDLE;

#define INVALID_HANDLE_VALUE ((HANDLE)(intptr_t)-1)
#define INFINITE 0xFFFFFFFFu
#define GENERIC_READ 0x80000000u
#define GENERIC_ALL 0x10000000u
#define MAXIMUM_ALLOWED 0x02000000u
#define LMEM_FIXED 0u
#define LMEM_ZEROINIT 0x40u

/* The last error of the calling thread: of functions that do not return their code. */
DWORD GetLastError(void);
VOID SetLastError(DWORD dwErrCode);
/* Memory that functions hand out, and that only LocalFree takes back. LocalFree returns NULL. */
PVOID LocalAlloc(DWORD uFlags, size_t uBytes);
PVOID LocalFree(PVOID hMem);

#endif

/* Handles: opaque, and a type of its own for each kind, so that a compiler tells them apart. */
typedef struct HCLUSTER__ *HCLUSTER;
typedef struct HNODE__ *HNODE;
typedef struct HGROUP__ *HGROUP;
typedef struct HRESOURCE__ *HRESOURCE;
typedef struct HNETWORK__ *HNETWORK;
typedef struct HNETINTERFACE__ *HNETINTERFACE;
typedef struct HGROUPSET__ *HGROUPSET;
typedef struct HCHANGE__ *HCHANGE;
typedef struct HCLUSENUM__ *HCLUSENUM;
typedef struct HCLUSENUMEX__ *HCLUSENUMEX;
typedef struct HGROUPENUM__ *HGROUPENUM;
typedef struct HGROUPENUMEX__ *HGROUPENUMEX;
typedef struct HRESENUM__ *HRESENUM;
typedef struct HRESENUMEX__ *HRESENUMEX;
typedef struct HRESTYPEENUM__ *HRESTYPEENUM;
typedef struct HNODEENUM__ *HNODEENUM;
typedef struct HNODEENUMEX__ *HNODEENUMEX;
typedef struct HNETWORKENUM__ *HNETWORKENUM;
typedef struct HNETINTERFACEENUM__ *HNETINTERFACEENUM;
typedef struct HGROUPSETENUM__ *HGROUPSETENUM;
typedef struct HREGBATCH__ *HREGBATCH;
typedef struct HREGREADBATCH__ *HREGREADBATCH;
typedef struct HREGREADBATCHREPLY__ *HREGREADBATCHREPLY;
typedef struct HREGBATCHPORT__ *HREGBATCHPORT;
typedef struct HREGBATCHNOTIFICATION__ *HREGBATCHNOTIFICATION;
typedef struct HCLUSCRYPTPROVIDER__ *HCLUSCRYPTPROVIDER;

#define CLUSAPI_READ_ACCESS 1u
#define CLUSAPI_CHANGE_ACCESS 2u
#define CLUSAPI_NO_ACCESS 4u
#define CLUSAPI_ALL_ACCESS 3u

typedef enum CLUSTER_NODE_STATE {
    ClusterNodeStateUnknown = -1,
    ClusterNodeUp = 0,
    ClusterNodeDown = 1,
    ClusterNodePaused = 2,
    ClusterNodeJoining = 3
} CLUSTER_NODE_STATE;

typedef enum CLUSTER_GROUP_STATE {
    ClusterGroupStateUnknown = -1,
    ClusterGroupOnline = 0,
    ClusterGroupOffline = 1,
    ClusterGroupFailed = 2,
    ClusterGroupPartialOnline = 3,
    ClusterGroupPending = 4
} CLUSTER_GROUP_STATE;

typedef enum CLUSTER_NETWORK_STATE {
    ClusterNetworkStateUnknown = -1,
    ClusterNetworkUnavailable = 0,
    ClusterNetworkDown = 1,
    ClusterNetworkPartitioned = 2,
    ClusterNetworkUp = 3
} CLUSTER_NETWORK_STATE;

typedef enum CLUSTER_NETINTERFACE_STATE {
    ClusterNetInterfaceStateUnknown = -1,
    ClusterNetInterfaceUnavailable = 0,
    ClusterNetInterfaceFailed = 1,
    ClusterNetInterfaceUnreachable = 2,
    ClusterNetInterfaceUp = 3
} CLUSTER_NETINTERFACE_STATE;

/* GetNodeClusterState: bits, and the four answers that they make. */
#define ClusterStateNotInstalled 0u
#define ClusterStateNotConfigured 1u
#define ClusterStateNotRunning 3u
#define ClusterStateRunning 19u

typedef enum CLUSTER_NODE_RESUME_FAILBACK_TYPE {
    DoNotFailbackGroups = 0,
    FailbackGroupsImmediately = 1,
    FailbackGroupsPerPolicy = 2
} CLUSTER_NODE_RESUME_FAILBACK_TYPE;

typedef enum CLUS_AFFINITY_RULE_TYPE {
    CLUS_AFFINITY_RULE_NONE = 0,
    CLUS_AFFINITY_RULE_SAME_FAULT_DOMAIN = 1,
    CLUS_AFFINITY_RULE_SAME_NODE = 2,
    CLUS_AFFINITY_RULE_DIFFERENT_FAULT_DOMAIN = 3,
    CLUS_AFFINITY_RULE_DIFFERENT_NODE = 4
} CLUS_AFFINITY_RULE_TYPE;

typedef enum CLUSGROUP_TYPE {
    ClusGroupTypeCoreCluster = 1,
    ClusGroupTypeAvailableStorage = 2,
    ClusGroupTypeUnknown = 9999
} CLUSGROUP_TYPE;

typedef enum CLUSTER_MGMT_POINT_RESTYPE {
    CLUSTER_MGMT_POINT_RESTYPE_AUTO = 0,
    CLUSTER_MGMT_POINT_RESTYPE_SNN = 1,
    CLUSTER_MGMT_POINT_RESTYPE_DNN = 2
} CLUSTER_MGMT_POINT_RESTYPE;

typedef enum CLUSTER_CLOUD_TYPE {
    CLUSTER_CLOUD_TYPE_NONE = 0,
    CLUSTER_CLOUD_TYPE_AZURE = 1,
    CLUSTER_CLOUD_TYPE_UNKNOWN = -1
} CLUSTER_CLOUD_TYPE;

typedef enum CLUSTER_SHARED_VOLUME_SNAPSHOT_STATE {
    ClusterSharedVolumeSnapshotStateUnknown = 0,
    ClusterSharedVolumePrepareForHWSnapshot = 1,
    ClusterSharedVolumeHWSnapshotCompleted = 2,
    ClusterSharedVolumePrepareForFreeze = 3
} CLUSTER_SHARED_VOLUME_SNAPSHOT_STATE;

typedef enum CLUSTER_ROLE_STATE {
    ClusterRoleUnknown = -1,
    ClusterRoleClustered = 0,
    ClusterRoleUnclustered = 1
} CLUSTER_ROLE_STATE;

typedef enum CLUSTER_ROLE {
    ClusterRoleDHCP = 0,
    ClusterRoleDTC = 1,
    ClusterRoleFileServer = 2,
    ClusterRoleGenericApplication = 3,
    ClusterRoleGenericScript = 4,
    ClusterRoleGenericService = 5,
    ClusterRoleISCSINameServer = 6,
    ClusterRoleMSMQ = 7,
    ClusterRoleNFS = 8,
    ClusterRolePrintServer = 9
} CLUSTER_ROLE;

typedef enum CLUSTER_REG_COMMAND {
    CLUSREG_COMMAND_NONE = 0,
    CLUSREG_SET_VALUE = 1,
    CLUSREG_CREATE_KEY = 2,
    CLUSREG_DELETE_KEY = 3,
    CLUSREG_DELETE_VALUE = 4,
    CLUSREG_SET_KEY_SECURITY = 5,
    CLUSREG_VALUE_DELETED = 6,
    CLUSREG_READ_KEY = 7,
    CLUSREG_READ_VALUE = 8,
    CLUSREG_READ_ERROR = 9,
    CLUSREG_CONTROL_COMMAND = 10,
    CLUSREG_CONDITION_EXISTS = 11,
    CLUSREG_CONDITION_NOT_EXISTS = 12,
    CLUSREG_CONDITION_IS_EQUAL = 13,
    CLUSREG_CONDITION_IS_NOT_EQUAL = 14,
    CLUSREG_CONDITION_IS_GREATER_THAN = 15,
    CLUSREG_CONDITION_IS_LESS_THAN = 16,
    CLUSREG_CONDITION_KEY_EXISTS = 17,
    CLUSREG_CONDITION_KEY_NOT_EXISTS = 18,
    CLUSREG_LAST_COMMAND = 19
} CLUSTER_REG_COMMAND;

/* What an enumeration lists. */
#define CLUSTER_ENUM_NODE 0x1u
#define CLUSTER_ENUM_RESTYPE 0x2u
#define CLUSTER_ENUM_RESOURCE 0x4u
#define CLUSTER_ENUM_GROUP 0x8u
#define CLUSTER_ENUM_NETWORK 0x10u
#define CLUSTER_ENUM_NETINTERFACE 0x20u
#define CLUSTER_ENUM_SHARED_VOLUME_GROUP 0x20000000u
#define CLUSTER_ENUM_SHARED_VOLUME_RESOURCE 0x40000000u
#define CLUSTER_ENUM_INTERNAL_NETWORK 0x80000000u
#define CLUSTER_ENUM_ALL 0x3Fu
#define CLUSTER_NODE_ENUM_NETINTERFACES 1u
#define CLUSTER_NODE_ENUM_GROUPS 2u
#define CLUSTER_NODE_ENUM_PREFERRED_GROUPS 4u
#define CLUSTER_GROUP_ENUM_CONTAINS 1u
#define CLUSTER_GROUP_ENUM_NODES 2u
#define CLUSTER_RESOURCE_ENUM_DEPENDS 1u
#define CLUSTER_RESOURCE_ENUM_PROVIDES 2u
#define CLUSTER_RESOURCE_ENUM_NODES 4u
#define CLUSTER_RESOURCE_TYPE_ENUM_NODES 1u
#define CLUSTER_RESOURCE_TYPE_ENUM_RESOURCES 2u
#define CLUSTER_NETWORK_ENUM_NETINTERFACES 1u

#define CLUSTER_RESOURCE_DEFAULT_MONITOR 0u
#define CLUSTER_RESOURCE_SEPARATE_MONITOR 1u
#define CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION 2u

/* Filters of notification ports of version 1. */
#define CLUSTER_CHANGE_NODE_STATE 0x1u
#define CLUSTER_CHANGE_NODE_DELETED 0x2u
#define CLUSTER_CHANGE_NODE_ADDED 0x4u
#define CLUSTER_CHANGE_NODE_PROPERTY 0x8u
#define CLUSTER_CHANGE_REGISTRY_NAME 0x10u
#define CLUSTER_CHANGE_REGISTRY_ATTRIBUTES 0x20u
#define CLUSTER_CHANGE_REGISTRY_VALUE 0x40u
#define CLUSTER_CHANGE_REGISTRY_SUBTREE 0x80u
#define CLUSTER_CHANGE_RESOURCE_STATE 0x100u
#define CLUSTER_CHANGE_RESOURCE_DELETED 0x200u
#define CLUSTER_CHANGE_RESOURCE_ADDED 0x400u
#define CLUSTER_CHANGE_RESOURCE_PROPERTY 0x800u
#define CLUSTER_CHANGE_GROUP_STATE 0x1000u
#define CLUSTER_CHANGE_GROUP_DELETED 0x2000u
#define CLUSTER_CHANGE_GROUP_ADDED 0x4000u
#define CLUSTER_CHANGE_GROUP_PROPERTY 0x8000u
#define CLUSTER_CHANGE_RESOURCE_TYPE_DELETED 0x10000u
#define CLUSTER_CHANGE_RESOURCE_TYPE_ADDED 0x20000u
#define CLUSTER_CHANGE_RESOURCE_TYPE_PROPERTY 0x40000u
#define CLUSTER_CHANGE_CLUSTER_RECONNECT 0x80000u
#define CLUSTER_CHANGE_NETWORK_STATE 0x100000u
#define CLUSTER_CHANGE_NETWORK_DELETED 0x200000u
#define CLUSTER_CHANGE_NETWORK_ADDED 0x400000u
#define CLUSTER_CHANGE_NETWORK_PROPERTY 0x800000u
#define CLUSTER_CHANGE_NETINTERFACE_STATE 0x1000000u
#define CLUSTER_CHANGE_NETINTERFACE_DELETED 0x2000000u
#define CLUSTER_CHANGE_NETINTERFACE_ADDED 0x4000000u
#define CLUSTER_CHANGE_NETINTERFACE_PROPERTY 0x8000000u
#define CLUSTER_CHANGE_QUORUM_STATE 0x10000000u
#define CLUSTER_CHANGE_CLUSTER_STATE 0x20000000u
#define CLUSTER_CHANGE_CLUSTER_PROPERTY 0x40000000u
#define CLUSTER_CHANGE_HANDLE_CLOSE 0x80000000u
#define CLUSTER_CHANGE_ALL 0xFFFFFFFFu

/* Object types of notification ports of version 2. */
typedef enum CLUSTER_OBJECT_TYPE {
    CLUSTER_OBJECT_TYPE_NONE = 0,
    CLUSTER_OBJECT_TYPE_CLUSTER = 1,
    CLUSTER_OBJECT_TYPE_GROUP = 2,
    CLUSTER_OBJECT_TYPE_RESOURCE = 3,
    CLUSTER_OBJECT_TYPE_RESOURCE_TYPE = 4,
    CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE = 5,
    CLUSTER_OBJECT_TYPE_NETWORK = 6,
    CLUSTER_OBJECT_TYPE_NODE = 7,
    CLUSTER_OBJECT_TYPE_REGISTRY = 8,
    CLUSTER_OBJECT_TYPE_QUORUM = 9,
    CLUSTER_OBJECT_TYPE_SHARED_VOLUME = 10,
    CLUSTER_OBJECT_TYPE_GROUPSET = 13,
    CLUSTER_OBJECT_TYPE_AFFINITYRULE = 16,
    CLUSTER_OBJECT_TYPE_FAULTDOMAIN = 17
} CLUSTER_OBJECT_TYPE;

typedef struct NOTIFY_FILTER_AND_TYPE {
    DWORD dwObjectType;
    LONGLONG FilterFlags;
} NOTIFY_FILTER_AND_TYPE, *PNOTIFY_FILTER_AND_TYPE;

typedef struct CLUSTERVERSIONINFO {
    DWORD dwVersionInfoSize; /* set by the caller */
    WORD MajorVersion;
    WORD MinorVersion;
    WORD BuildNumber;
    WCHAR szVendorId[64];
    WCHAR szCSDVersion[64];
    DWORD dwClusterHighestVersion;
    DWORD dwClusterLowestVersion;
    DWORD dwFlags;
    DWORD dwReserved;
} CLUSTERVERSIONINFO, *LPCLUSTERVERSIONINFO;

typedef struct CLUSTER_ENUM_ITEM {
    DWORD dwVersion;
    DWORD dwType;
    DWORD cbId;
    LPWSTR lpszId;
    DWORD cbName;
    LPWSTR lpszName;
} CLUSTER_ENUM_ITEM, *PCLUSTER_ENUM_ITEM;

typedef struct CLUSTER_GROUP_ENUM_ITEM {
    DWORD dwVersion;
    DWORD cbId;
    LPWSTR lpszId;
    DWORD cbName;
    LPWSTR lpszName;
    CLUSTER_GROUP_STATE state;
    DWORD cbOwnerNode;
    LPWSTR lpszOwnerNode;
    DWORD dwFlags;
    DWORD cbProperties;
    PVOID pProperties;
    DWORD cbRoProperties;
    PVOID pRoProperties;
} CLUSTER_GROUP_ENUM_ITEM, *PCLUSTER_GROUP_ENUM_ITEM;

typedef struct CLUSTER_RESOURCE_ENUM_ITEM {
    DWORD dwVersion;
    DWORD cbId;
    LPWSTR lpszId;
    DWORD cbName;
    LPWSTR lpszName;
    DWORD cbOwnerGroupName;
    LPWSTR lpszOwnerGroupName;
    DWORD cbOwnerGroupId;
    LPWSTR lpszOwnerGroupId;
    DWORD cbProperties;
    PVOID pProperties;
    DWORD cbRoProperties;
    PVOID pRoProperties;
} CLUSTER_RESOURCE_ENUM_ITEM, *PCLUSTER_RESOURCE_ENUM_ITEM;

typedef struct CLUSTER_CREATE_GROUP_INFO {
    DWORD dwVersion; /* 1 */
    CLUSGROUP_TYPE groupType;
} CLUSTER_CREATE_GROUP_INFO, *PCLUSTER_CREATE_GROUP_INFO;

typedef struct CLUSTER_AVAILABILITY_SET_CONFIG {
    DWORD dwVersion;
    DWORD dwUpdateDomains;
    DWORD dwFaultDomains;
    BOOL bReserveSpareNode;
} CLUSTER_AVAILABILITY_SET_CONFIG;

typedef struct CLUSTER_BATCH_COMMAND {
    CLUSTER_REG_COMMAND Command;
    DWORD dwOptions;
    LPCWSTR wzName;
    const BYTE *lpData;
    DWORD cbData;
} CLUSTER_BATCH_COMMAND;

typedef struct CLUSTER_READ_BATCH_COMMAND {
    CLUSTER_REG_COMMAND Command;
    DWORD dwOptions;
    LPCWSTR wzSubkeyName;
    LPCWSTR wzValueName;
    const BYTE *lpData;
    DWORD cbData;
} CLUSTER_READ_BATCH_COMMAND;

typedef struct CLUSTER_HEALTH_FAULT {
    LPWSTR Id;
    DWORD ErrorType;
    DWORD ErrorCode;
    LPWSTR Description;
    LPWSTR Provider;
    DWORD Flags;
    DWORD Reserved;
} CLUSTER_HEALTH_FAULT, *PCLUSTER_HEALTH_FAULT;

typedef struct CLUSTER_HEALTH_FAULT_ARRAY {
    DWORD numFaults;
    PCLUSTER_HEALTH_FAULT faults;
} CLUSTER_HEALTH_FAULT_ARRAY, *PCLUSTER_HEALTH_FAULT_ARRAY;

typedef struct PaxosTagCStruct {
    ULONGLONG __padding__PaxosTagVtable;
    ULONGLONG __padding__NextEpochVtable;
    ULONGLONG __padding__NextEpoch_DateTimeVtable;
    ULONGLONG NextEpoch_DateTime_ticks;
    LONG NextEpoch_Value;
    DWORD __padding__BoundryNextEpoch;
    ULONGLONG __padding__EpochVtable;
    ULONGLONG __padding__Epoch_DateTimeVtable;
    ULONGLONG Epoch_DateTime_ticks;
    LONG Epoch_Value;
    DWORD __padding__BoundryEpoch;
    LONG Sequence;
    DWORD __padding__BoundrySequence;
} PaxosTagCStruct;

/* Named by functions that only answer an error here; what is in them is not looked at. */
typedef struct CREATE_CLUSTER_CONFIG CREATE_CLUSTER_CONFIG;
typedef struct CREATE_CLUSTER_NAME_ACCOUNT CREATE_CLUSTER_NAME_ACCOUNT;
typedef struct CLUSTER_SET_PASSWORD_STATUS CLUSTER_SET_PASSWORD_STATUS;

/* Callbacks. */
typedef DWORD(WINAPI *PCLUSAPI_PFN_REASON_HANDLER)(
    PVOID lpParameter, HCLUSTER hCluster, LPWSTR szReason, LPDWORD cchReason);
typedef struct CLUSAPI_REASON_HANDLER {
    PVOID lpParameter;
    PCLUSAPI_PFN_REASON_HANDLER pfnHandler;
} CLUSAPI_REASON_HANDLER;
typedef BOOL(WINAPI *PCLUSTER_SETUP_PROGRESS_CALLBACK)(PVOID pvCallbackArg, LONG eSetupPhase, LONG ePhaseType,
    LONG ePhaseSeverity, DWORD dwPercentComplete, LPCWSTR lpszObjectName, DWORD dwStatus);
typedef BOOL(WINAPI *PCLUSTER_UPGRADE_PROGRESS_CALLBACK)(PVOID pvCallbackArg, LONG eUpgradePhase);
typedef DWORD(WINAPI *LPRESOURCE_CALLBACK)(HRESOURCE hSelf, HRESOURCE hOther, PVOID pParameter);
typedef DWORD(WINAPI *LPRESOURCE_CALLBACK_EX)(HCLUSTER hCluster, HRESOURCE hSelf, HRESOURCE hOther, PVOID pParameter);
typedef DWORD(WINAPI *LPGROUP_CALLBACK_EX)(HCLUSTER hCluster, HGROUP hSelf, HGROUP hOther, PVOID pParameter);
typedef DWORD(WINAPI *LPNODE_CALLBACK)(HCLUSTER hCluster, HNODE hNode, CLUSTER_NODE_STATE state, PVOID pParameter);

#ifdef __cplusplus
}
#endif

#endif
