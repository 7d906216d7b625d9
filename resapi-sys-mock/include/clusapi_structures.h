/* Structures of property lists and control codes, for C and C++ authors outside of Windows.
 *
 * Names and layout are those of the SDK (<clusapi.h> and <resapi.h> there). Members that the SDK inherits in C++ are named
 * Base and Base2 in both languages. tests/headers compares every size and offset with the Rust side. */
#ifndef WOLFDEN_CLUSAPI_STRUCTURES_H
#define WOLFDEN_CLUSAPI_STRUCTURES_H

typedef union CLUSPROP_SYNTAX {
    DWORD dw;
    struct {
        WORD wFormat;
        WORD wType;
    } Anonymous;
} CLUSPROP_SYNTAX, *PCLUSPROP_SYNTAX;

/* Header of a value: syntax and length; the bytes follow, padded to four. */
typedef struct CLUSPROP_VALUE {
    CLUSPROP_SYNTAX Syntax;
    DWORD cbLength;
} CLUSPROP_VALUE, *PCLUSPROP_VALUE;

/* Any bytes. */
typedef struct CLUSPROP_BINARY {
    CLUSPROP_VALUE Base;
    BYTE rgb[1];
} CLUSPROP_BINARY, *PCLUSPROP_BINARY;

/* 16-bit number. */
typedef struct CLUSPROP_WORD {
    CLUSPROP_VALUE Base;
    WORD w;
} CLUSPROP_WORD, *PCLUSPROP_WORD;

/* 32-bit number. */
typedef struct CLUSPROP_DWORD {
    CLUSPROP_VALUE Base;
    DWORD dw;
} CLUSPROP_DWORD, *PCLUSPROP_DWORD;

/* 32-bit number with sign. */
typedef struct CLUSPROP_LONG {
    CLUSPROP_VALUE Base;
    LONG l;
} CLUSPROP_LONG, *PCLUSPROP_LONG;

/* Text, or list of texts. */
typedef struct CLUSPROP_SZ {
    CLUSPROP_VALUE Base;
    WCHAR sz[1];
} CLUSPROP_SZ, *PCLUSPROP_SZ;

/* 64-bit number. */
typedef struct CLUSPROP_ULARGE_INTEGER {
    CLUSPROP_VALUE Base;
    ULONGLONG li;
} CLUSPROP_ULARGE_INTEGER, *PCLUSPROP_ULARGE_INTEGER;

/* 64-bit number with sign. */
typedef struct CLUSPROP_LARGE_INTEGER {
    CLUSPROP_VALUE Base;
    LONGLONG li;
} CLUSPROP_LARGE_INTEGER, *PCLUSPROP_LARGE_INTEGER;

/* Time. */
typedef struct CLUSPROP_FILETIME {
    CLUSPROP_VALUE Base;
    FILETIME ft;
} CLUSPROP_FILETIME, *PCLUSPROP_FILETIME;

/* Class of a resource. */
typedef struct CLUSPROP_RESOURCE_CLASS {
    CLUSPROP_VALUE Base;
    CLUSTER_RESOURCE_CLASS rc;
} CLUSPROP_RESOURCE_CLASS, *PCLUSPROP_RESOURCE_CLASS;

/* Class and subclass of a resource, as an entry of a value list. */
typedef struct CLUSPROP_RESOURCE_CLASS_INFO {
    CLUSPROP_VALUE Base;
    CLUS_RESOURCE_CLASS_INFO Base2;
} CLUSPROP_RESOURCE_CLASS_INFO, *PCLUSPROP_RESOURCE_CLASS_INFO;

/* Begin of a property list. */
typedef struct CLUSPROP_LIST {
    DWORD nPropertyCount;
    CLUSPROP_SZ PropertyName;
} CLUSPROP_LIST, *PCLUSPROP_LIST;

/* Entry of the answer to GET_REQUIRED_DEPENDENCIES. */
typedef union CLUSPROP_REQUIRED_DEPENDENCY {
    CLUSPROP_VALUE Value;
    CLUSPROP_RESOURCE_CLASS ResClass;
    CLUSPROP_SZ ResTypeName;
} CLUSPROP_REQUIRED_DEPENDENCY, *PCLUSPROP_REQUIRED_DEPENDENCY;

/* Parts of a SCSI address. */
typedef struct CLUS_SCSI_ADDRESS_0_0 {
    BYTE PortNumber;
    BYTE PathId;
    BYTE TargetId;
    BYTE Lun;
} CLUS_SCSI_ADDRESS_0_0, *PCLUS_SCSI_ADDRESS_0_0;

/* Answer of GET_DISK_INFO: as parts, or as one number. */
typedef struct CLUS_SCSI_ADDRESS {
    union {
        CLUS_SCSI_ADDRESS_0_0 Anonymous;
        DWORD dw;
    };
} CLUS_SCSI_ADDRESS, *PCLUS_SCSI_ADDRESS;

/* A partition of a disk. */
typedef struct CLUS_PARTITION_INFO {
    DWORD dwFlags;
    WCHAR szDeviceName[260];
    WCHAR szVolumeLabel[260];
    DWORD dwSerialNumber;
    DWORD rgdwMaximumComponentLength;
    DWORD dwFileSystemFlags;
    WCHAR szFileSystem[32];
} CLUS_PARTITION_INFO, *PCLUS_PARTITION_INFO;

/* Input of FORCE_QUORUM. */
typedef struct CLUS_FORCE_QUORUM_INFO {
    DWORD dwSize;
    DWORD dwNodeBitMask;
    DWORD dwMaxNumberofNodes;
    WCHAR multiszNodeList[1];
} CLUS_FORCE_QUORUM_INFO, *PCLUS_FORCE_QUORUM_INFO;

/* Maintenance mode of a disk. */
typedef struct CLUS_MAINTENANCE_MODE_INFO {
    BOOL InMaintenance;
} CLUS_MAINTENANCE_MODE_INFO, *PCLUS_MAINTENANCE_MODE_INFO;

/* The same with its kind. */
typedef struct CLUS_MAINTENANCE_MODE_INFOEX {
    BOOL InMaintenance;
    LONG MaintainenceModeType;
    CLUSTER_RESOURCE_STATE InternalState;
    DWORD Signature;
} CLUS_MAINTENANCE_MODE_INFOEX, *PCLUS_MAINTENANCE_MODE_INFOEX;

/* Input of NETNAME_GET_VIRTUAL_SERVER_TOKEN. */
typedef struct CLUS_NETNAME_VS_TOKEN_INFO {
    DWORD ProcessID;
    DWORD DesiredAccess;
    BOOL InheritHandle;
} CLUS_NETNAME_VS_TOKEN_INFO, *PCLUS_NETNAME_VS_TOKEN_INFO;

/* Input of GET_OPERATION_CONTEXT. */
typedef struct GET_OPERATION_CONTEXT_PARAMS {
    DWORD Size;
    DWORD Version;
    LONG Type;
    DWORD Priority;
} GET_OPERATION_CONTEXT_PARAMS, *PGET_OPERATION_CONTEXT_PARAMS;

/* What is left of the restarts of a resource. */
typedef struct RESOURCE_FAILURE_INFO {
    DWORD dwRestartAttemptsRemaining;
    DWORD dwRestartPeriodRemaining;
} RESOURCE_FAILURE_INFO, *PRESOURCE_FAILURE_INFO;

/* Answer to GET_FAILURE_INFO of a resource. */
typedef struct RESOURCE_FAILURE_INFO_BUFFER {
    DWORD dwVersion;
    RESOURCE_FAILURE_INFO Info;
} RESOURCE_FAILURE_INFO_BUFFER, *PRESOURCE_FAILURE_INFO_BUFFER;

/* Whether a failure is final. */
typedef struct RESOURCE_TERMINAL_FAILURE_INFO_BUFFER {
    BOOL isTerminalFailure;
    DWORD restartPeriodRemaining;
} RESOURCE_TERMINAL_FAILURE_INFO_BUFFER, *PRESOURCE_TERMINAL_FAILURE_INFO_BUFFER;

/* What is left of the failovers of a group. */
typedef struct GROUP_FAILURE_INFO {
    DWORD dwFailoverAttemptsRemaining;
    DWORD dwFailoverPeriodRemaining;
} GROUP_FAILURE_INFO, *PGROUP_FAILURE_INFO;

/* Answer to GET_FAILURE_INFO of a group. */
typedef struct GROUP_FAILURE_INFO_BUFFER {
    DWORD dwVersion;
    GROUP_FAILURE_INFO Info;
} GROUP_FAILURE_INFO_BUFFER, *PGROUP_FAILURE_INFO_BUFFER;

/* Default and range of a 64-bit property with sign. */
typedef struct RESUTIL_LARGEINT_DATA {
    LONGLONG Default;
    LONGLONG Minimum;
    LONGLONG Maximum;
} RESUTIL_LARGEINT_DATA, *PRESUTIL_LARGEINT_DATA;

/* Default and range of a 64-bit property. */
typedef struct RESUTIL_ULARGEINT_DATA {
    ULONGLONG Default;
    ULONGLONG Minimum;
    ULONGLONG Maximum;
} RESUTIL_ULARGEINT_DATA, *PRESUTIL_ULARGEINT_DATA;

/* Default and range of a time. */
typedef struct RESUTIL_FILETIME_DATA {
    FILETIME Default;
    FILETIME Minimum;
    FILETIME Maximum;
} RESUTIL_FILETIME_DATA, *PRESUTIL_FILETIME_DATA;

/* A value list or property list under one's pen: one pointer for every kind of entry. */
typedef union CLUSPROP_BUFFER_HELPER {
    BYTE *pb;
    WORD *pw;
    DWORD *pdw;
    LONG *pl;
    LPWSTR psz;
    PCLUSPROP_LIST pList;
    PCLUSPROP_SYNTAX pSyntax;
    PCLUSPROP_SZ pName;
    PCLUSPROP_VALUE pValue;
    PCLUSPROP_BINARY pBinaryValue;
    PCLUSPROP_WORD pWordValue;
    PCLUSPROP_DWORD pDwordValue;
    PCLUSPROP_LONG pLongValue;
    PCLUSPROP_ULARGE_INTEGER pULargeIntegerValue;
    PCLUSPROP_LARGE_INTEGER pLargeIntegerValue;
    PCLUSPROP_FILETIME pFileTimeValue;
    PCLUSPROP_SZ pStringValue;
    PCLUSPROP_SZ pMultiSzValue;
    PCLUSPROP_RESOURCE_CLASS pResourceClassValue;
    PCLUSPROP_RESOURCE_CLASS_INFO pResourceClassInfoValue;
} CLUSPROP_BUFFER_HELPER, *PCLUSPROP_BUFFER_HELPER;

/* Bytes of a value with its padding. */
#define ALIGN_CLUSPROP(count) (((count) + 3u) & ~3u)

/* One property of a table; the table ends with an item whose Name is NULL. */
typedef struct RESUTIL_PROPERTY_ITEM {
    LPWSTR Name;
    LPWSTR KeyName;
    DWORD Format;
    union {
        uintptr_t DefaultPtr;
        DWORD Default;
        LPVOID lpDefault;
        PRESUTIL_LARGEINT_DATA LargeIntData;
        PRESUTIL_ULARGEINT_DATA ULargeIntData;
        PRESUTIL_FILETIME_DATA FileTimeData;
    };
    DWORD Minimum;
    DWORD Maximum;
    DWORD Flags;
    DWORD Offset;
} RESUTIL_PROPERTY_ITEM, *PRESUTIL_PROPERTY_ITEM;

#define RESUTIL_PROPITEM_READ_ONLY 1u
#define RESUTIL_PROPITEM_REQUIRED 2u
#define RESUTIL_PROPITEM_SIGNED 4u
#define RESUTIL_PROPITEM_IN_MEMORY 8u

#endif
