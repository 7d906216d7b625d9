/* Types of the cluster API that resource DLLs use, for C and C++ authors outside of Windows.
 *
 * Written for Wolfden from the published documentation; the names are those of the SDK, so that a source can be
 * compiled against either. On Windows the basic types come from <windows.h>. A WCHAR has 16 bits everywhere: write
 * text as CLUS_TEXT("..."), which is u"..." here and L"..." on Windows. */
#ifndef WOLFDEN_CLUSAPI_H
#define WOLFDEN_CLUSAPI_H

#ifdef _WIN32

#include <windows.h>
#define CLUS_TEXT(text) L##text

#else

#include <stddef.h>
#include <stdint.h>
#include <uchar.h>
#define CLUS_TEXT(text) u##text

#define WINAPI
#define CALLBACK
#define TRUE 1
#define FALSE 0

typedef void VOID;
typedef void *PVOID;
typedef void *LPVOID;
typedef uint8_t BYTE;
typedef BYTE *PBYTE;
typedef BYTE *LPBYTE;
typedef uint16_t WORD;
typedef int32_t BOOL;
typedef BOOL *LPBOOL;
typedef uint32_t DWORD;
typedef DWORD *LPDWORD;
typedef int32_t LONG;
typedef int64_t LONGLONG;
typedef int64_t INT64;
typedef uint64_t ULONGLONG;
typedef char16_t WCHAR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *LPCWSTR;
typedef void *HANDLE;
typedef HANDLE *LPHANDLE;
typedef void *HKEY;
typedef HKEY *PHKEY;
typedef DWORD REGSAM;

typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME;

#define KEY_READ 0x20019
#define KEY_WRITE 0x20006
#define KEY_ALL_ACCESS 0xF003F
#define REG_CREATED_NEW_KEY 1
#define REG_OPENED_EXISTING_KEY 2
#define REG_NONE 0
#define REG_SZ 1
#define REG_EXPAND_SZ 2
#define REG_BINARY 3
#define REG_DWORD 4
#define REG_MULTI_SZ 7
#define REG_QWORD 11

#endif

#include "clusapi_codes.h"

/* State of a resource. */
typedef enum CLUSTER_RESOURCE_STATE {
    ClusterResourceStateUnknown = -1, /* The state could not be found out; the last error says why. */
    ClusterResourceInherited = 0, /* Persistent state only: the resource follows its group. */
    ClusterResourceInitializing = 1, /* The resource exists, nothing was decided yet. */
    ClusterResourceOnline = 2, /* In service. */
    ClusterResourceOffline = 3, /* Out of service, as wanted. */
    ClusterResourceFailed = 4, /* Out of service, not as wanted. */
    ClusterResourcePending = 128, /* Base of the pending states, never reported itself. */
    ClusterResourceOnlinePending = 129, /* On the way into service. */
    ClusterResourceOfflinePending = 130 /* On the way out of service. */
} CLUSTER_RESOURCE_STATE;

/* Class of a resource. */
typedef enum CLUSTER_RESOURCE_CLASS {
    CLUS_RESCLASS_UNKNOWN = 0, /* No class. */
    CLUS_RESCLASS_STORAGE = 1, /* Disks and volumes. */
    CLUS_RESCLASS_NETWORK = 2, /* Addresses and names. */
    CLUS_RESCLASS_USER = 0x8000 /* First number free for others. */
} CLUSTER_RESOURCE_CLASS;

/* Why a resource changes its state. */
typedef enum CLUSTER_RESOURCE_STATE_CHANGE_REASON {
    eResourceStateChangeReasonUnknown = 0, /* Not known. */
    eResourceStateChangeReasonMove = 1, /* The group moves. */
    eResourceStateChangeReasonFailover = 2, /* The group fails over. */
    eResourceStateChangeReasonFailedMove = 3, /* A move failed, the group returns. */
    eResourceStateChangeReasonShutdown = 4, /* The service stops. */
    eResourceStateChangeReasonRundown = 5 /* The service stops without waiting. */
} CLUSTER_RESOURCE_STATE_CHANGE_REASON;

/* Characteristics: bits. */
#define CLUS_CHAR_UNKNOWN 0u /* Nothing special. */
#define CLUS_CHAR_QUORUM 0x1u /* Can be the quorum resource: has Arbitrate and Release. */
#define CLUS_CHAR_DELETE_REQUIRES_ALL_NODES 0x2u /* Deleting is refused (5005) unless all nodes are up. */
#define CLUS_CHAR_LOCAL_QUORUM 0x4u /* Can be the quorum of a single node. */
#define CLUS_CHAR_LOCAL_QUORUM_DEBUG 0x8u /* Like the former, for debugging. */
#define CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON 0x10u /* Wants to hear why before Offline and Terminate. */
#define CLUS_CHAR_BROADCAST_DELETE 0x20u /* CLUSCTL_RESOURCE_DELETE goes to all nodes. */
#define CLUS_CHAR_SINGLE_CLUSTER_INSTANCE 0x40u /* One instance per cluster. */
#define CLUS_CHAR_SINGLE_GROUP_INSTANCE 0x80u /* One instance per group. */
#define CLUS_CHAR_COEXIST_IN_SHARED_VOLUME_GROUP 0x100u /* May share a group with a cluster shared volume. */
#define CLUS_CHAR_PLACEMENT_DATA 0x200u /* Gives figures for placement. */
#define CLUS_CHAR_MONITOR_DETACH 0x400u /* May be detached from its monitor. */
#define CLUS_CHAR_MONITOR_REATTACH 0x800u /* May be attached to a new monitor. */
#define CLUS_CHAR_OPERATION_CONTEXT 0x1000u /* Wants CLUSCTL_RESOURCE_GET_OPERATION_CONTEXT. */
#define CLUS_CHAR_CLONES 0x2000u /* Runs as clones on all nodes. */
#define CLUS_CHAR_NOT_PREEMPTABLE 0x4000u /* Is never stopped in favour of another group. */
#define CLUS_CHAR_NOTIFY_NEW_OWNER 0x8000u /* Wants to hear of a new owner node. */
#define CLUS_CHAR_SUPPORTS_UNMONITORED_STATE 0x10000u /* Can run on an isolated node. */
#define CLUS_CHAR_INFRASTRUCTURE 0x20000u /* Belongs to the infrastructure. */
#define CLUS_CHAR_VETO_DRAIN 0x40000u /* May veto a drain. */
#define CLUS_CHAR_DRAIN_LOCAL_OFFLINE 0x80000u /* Is taken offline in a drain instead of moved. */

/* Flags and subclasses. */
#define CLUS_FLAG_CORE 1u /* The resource belongs to the core of the cluster and cannot be deleted. */
#define CLUS_RESSUBCLASS_SHARED 0x80000000u /* Shared by all nodes. */
#define CLUS_RESSUBCLASS_STORAGE_SHARED_BUS 0x80000000u /* Storage on a shared bus. */
#define CLUS_RESSUBCLASS_STORAGE_DISK 0x40000000u /* A disk. */
#define CLUS_RESSUBCLASS_STORAGE_REPLICATION 0x10000000u /* Replicated storage. */
#define CLUS_RESSUBCLASS_NETWORK_INTERNET_PROTOCOL 0x80000000u /* An Internet Protocol address. */

/* Answer to CLUSCTL_RESOURCE_GET_CLASS_INFO. */
typedef struct CLUS_RESOURCE_CLASS_INFO {
    CLUSTER_RESOURCE_CLASS rc;
    DWORD SubClass;
} CLUS_RESOURCE_CLASS_INFO, *PCLUS_RESOURCE_CLASS_INFO;

/* Input of CLUSCTL_RESOURCE_STATE_CHANGE_REASON. */
#define CLUSCTL_RESOURCE_STATE_CHANGE_REASON_VERSION_1 1u
typedef struct _CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT {
    DWORD dwSize;
    DWORD dwVersion;
    CLUSTER_RESOURCE_STATE_CHANGE_REASON eReason;
} CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT, *PCLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT;

/* Syntax of the entries of a property list: format in the low half, type in the high half. */
#define CLUSPROP_FORMAT_UNKNOWN 0
#define CLUSPROP_FORMAT_BINARY 1
#define CLUSPROP_FORMAT_DWORD 2
#define CLUSPROP_FORMAT_SZ 3
#define CLUSPROP_FORMAT_EXPAND_SZ 4
#define CLUSPROP_FORMAT_MULTI_SZ 5
#define CLUSPROP_FORMAT_ULARGE_INTEGER 6
#define CLUSPROP_FORMAT_LONG 7
#define CLUSPROP_FORMAT_EXPANDED_SZ 8
#define CLUSPROP_FORMAT_SECURITY_DESCRIPTOR 9
#define CLUSPROP_FORMAT_LARGE_INTEGER 10
#define CLUSPROP_FORMAT_WORD 11
#define CLUSPROP_FORMAT_FILETIME 12
#define CLUSPROP_FORMAT_VALUE_LIST 13
#define CLUSPROP_FORMAT_PROPERTY_LIST 14
#define CLUSPROP_FORMAT_USER 0x8000

#define CLUSPROP_TYPE_UNKNOWN -1
#define CLUSPROP_TYPE_ENDMARK 0
#define CLUSPROP_TYPE_LIST_VALUE 1
#define CLUSPROP_TYPE_RESCLASS 2
#define CLUSPROP_TYPE_RESERVED1 3
#define CLUSPROP_TYPE_NAME 4
#define CLUSPROP_TYPE_SIGNATURE 5
#define CLUSPROP_TYPE_SCSI_ADDRESS 6
#define CLUSPROP_TYPE_DISK_NUMBER 7
#define CLUSPROP_TYPE_PARTITION_INFO 8
#define CLUSPROP_TYPE_FTSET_INFO 9
#define CLUSPROP_TYPE_DISK_SERIALNUMBER 10
#define CLUSPROP_TYPE_DISK_GUID 11
#define CLUSPROP_TYPE_DISK_SIZE 12
#define CLUSPROP_TYPE_PARTITION_INFO_EX 13
#define CLUSPROP_TYPE_PARTITION_INFO_EX2 14
#define CLUSPROP_TYPE_STORAGE_DEVICE_ID_DESCRIPTOR 15
#define CLUSPROP_TYPE_USER 0x8000

#define CLUSPROP_SYNTAX_ENDMARK 0x00000000
#define CLUSPROP_SYNTAX_NAME 0x00040003
#define CLUSPROP_SYNTAX_RESCLASS 0x00020002
#define CLUSPROP_SYNTAX_LIST_VALUE_BINARY 0x00010001
#define CLUSPROP_SYNTAX_LIST_VALUE_DWORD 0x00010002
#define CLUSPROP_SYNTAX_LIST_VALUE_SZ 0x00010003
#define CLUSPROP_SYNTAX_LIST_VALUE_EXPAND_SZ 0x00010004
#define CLUSPROP_SYNTAX_LIST_VALUE_MULTI_SZ 0x00010005
#define CLUSPROP_SYNTAX_LIST_VALUE_ULARGE_INTEGER 0x00010006
#define CLUSPROP_SYNTAX_LIST_VALUE_LONG 0x00010007
#define CLUSPROP_SYNTAX_LIST_VALUE_EXPANDED_SZ 0x00010008
#define CLUSPROP_SYNTAX_LIST_VALUE_SECURITY_DESCRIPTOR 0x00010009
#define CLUSPROP_SYNTAX_LIST_VALUE_LARGE_INTEGER 0x0001000A
#define CLUSPROP_SYNTAX_LIST_VALUE_WORD 0x0001000B
#define CLUSPROP_SYNTAX_LIST_VALUE_FILETIME 0x0001000C
#define CLUSPROP_SYNTAX_LIST_VALUE_PROPERTY_LIST 0x0001000E
#define CLUSPROP_SYNTAX_DISK_SIGNATURE 0x00050002
#define CLUSPROP_SYNTAX_SCSI_ADDRESS 0x00060002
#define CLUSPROP_SYNTAX_DISK_NUMBER 0x00070002
#define CLUSPROP_SYNTAX_PARTITION_INFO 0x00080001
#define CLUSPROP_SYNTAX_FTSET_INFO 0x00090001
#define CLUSPROP_SYNTAX_DISK_SERIALNUMBER 0x000A0003
#define CLUSPROP_SYNTAX_DISK_GUID 0x000B0003
#define CLUSPROP_SYNTAX_DISK_SIZE 0x000C0006
#define CLUSPROP_SYNTAX_PARTITION_INFO_EX 0x000D0001
#define CLUSPROP_SYNTAX_PARTITION_INFO_EX2 0x000E0001
#define CLUSPROP_SYNTAX_STORAGE_DEVICE_ID_DESCRIPTOR 0x000F0001

#include "clusapi_structures.h"
#include "clusapi_functions.h"

#endif
