/* What a portable resource library may ask of its host outside of Windows: cluster registry and events.
 *
 * Export WolfdenBindHost to get the table; it is called once, before the first Startup, and the table stays valid as
 * long as the library is loaded. On Windows the same functions come from clusapi.dll and kernel32.dll. */
#ifndef WOLFDEN_HOST_H
#define WOLFDEN_HOST_H

#include "clusapi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WOLFDEN_HOST_TABLE_VERSION 2

typedef struct WOLFDEN_HOST_TABLE {
    DWORD size; /* bytes of this structure as the host knows it */
    DWORD version;
    LONG(WINAPI *ClusterRegOpenKey)(HKEY key, LPCWSTR subKey, REGSAM access, PHKEY result);
    LONG(WINAPI *ClusterRegCreateKey)(HKEY key, LPCWSTR subKey, DWORD options, REGSAM access, PVOID security,
        PHKEY result, LPDWORD disposition);
    LONG(WINAPI *ClusterRegCloseKey)(HKEY key);
    LONG(WINAPI *ClusterRegQueryValue)(HKEY key, LPCWSTR name, LPDWORD kind, LPBYTE data, LPDWORD size);
    DWORD(WINAPI *ClusterRegSetValue)(HKEY key, LPCWSTR name, DWORD kind, const BYTE *data, DWORD size);
    DWORD(WINAPI *ClusterRegDeleteValue)(HKEY key, LPCWSTR name);
    DWORD(WINAPI *ClusterRegEnumValue)(HKEY key, DWORD index, LPWSTR name, LPDWORD nameUnits, LPDWORD kind,
        LPBYTE data, LPDWORD size);
    LONG(WINAPI *ClusterRegEnumKey)(HKEY key, DWORD index, LPWSTR name, LPDWORD nameUnits, PFILETIME lastWrite);
    HANDLE(WINAPI *CreateEvent)(PVOID security, BOOL manualReset, BOOL initialState, LPCWSTR name);
    BOOL(WINAPI *SetEvent)(HANDLE event);
    BOOL(WINAPI *CloseEvent)(HANDLE event);
    VOID(WINAPI *SetLastError)(DWORD code);
    /* Version 2: the call guard, for libraries of the cluster API. */
    DWORD(WINAPI *GuardCall)(LPCWSTR function, DWORD control);
    ULONGLONG(WINAPI *WorkerPass)(void);
    VOID(WINAPI *WorkerBegins)(ULONGLONG pass);
    VOID(WINAPI *WorkerEnds)(void);
    /* Path of a key of the host from the root of the cluster registry. */
    LONG(WINAPI *KeyPath)(HKEY key, LPWSTR path, LPDWORD units);
} WOLFDEN_HOST_TABLE;

/* Returns 0, 87 for NULL or a short table, 1306 for a version that the library does not know. */
typedef DWORD(WINAPI WOLFDEN_BIND_HOST_ROUTINE)(const WOLFDEN_HOST_TABLE *table);

#define WOLFDEN_BIND_HOST_EXPORT "WolfdenBindHost"

#ifdef __cplusplus
}
#endif

#endif
