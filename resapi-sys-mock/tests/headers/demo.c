/* A library's skeleton, so that the declarations of the headers are used; tests/headers compiles it as C and as C++. */
#include <resapi.h>
#include <wolfden_host.h>
#include <stddef.h>
#include <stdint.h>
#include <assert.h>

static RESID WINAPI DemoOpen(LPCWSTR name, HKEY key, RESOURCE_HANDLE handle) { (void)name; (void)key; (void)handle; return NULL; }
static VOID WINAPI DemoClose(RESID id) { (void)id; }
static DWORD WINAPI DemoOnline(RESID id, LPHANDLE event) { (void)id; (void)event; return ERROR_IO_PENDING; }
static DWORD WINAPI DemoOffline(RESID id) { (void)id; return 0; }
static VOID WINAPI DemoTerminate(RESID id) { (void)id; }
static BOOL WINAPI DemoLooksAlive(RESID id) { (void)id; return TRUE; }
static BOOL WINAPI DemoIsAlive(RESID id) { (void)id; return FALSE; }
static DWORD WINAPI DemoControl(RESID id, DWORD code, PVOID in, DWORD cbIn, PVOID out, DWORD cbOut, LPDWORD n) {
    (void)id; (void)code; (void)in; (void)cbIn; (void)out; (void)cbOut; (void)n; return ERROR_INVALID_FUNCTION;
}
static DWORD WINAPI DemoTypeControl(LPCWSTR t, DWORD code, PVOID in, DWORD cbIn, PVOID out, DWORD cbOut, LPDWORD n) {
    (void)t; (void)code; (void)in; (void)cbIn; (void)out; (void)cbOut; (void)n; return ERROR_INVALID_FUNCTION;
}
static CLRES_V1_FUNCTION_TABLE(DemoTable, CLRES_VERSION_V1_00, Demo, NULL, NULL, DemoControl, DemoTypeControl);
static const WCHAR TypeName[] = CLUS_TEXT("Demo");

#ifdef __cplusplus
extern "C"
#endif
RESAPI_EXPORT STARTUP_ROUTINE Startup;
DWORD WINAPI Startup(LPCWSTR type, DWORD min, DWORD max, PSET_RESOURCE_STATUS_ROUTINE status, PLOG_EVENT_ROUTINE log,
                     PCLRES_FUNCTION_TABLE *table) {
    if (min > 0 || max > 0) status(0, NULL);
    if (log != NULL) log(0, LOG_WARNING, type, 1);
    *table = &DemoTable;
    return ERROR_SUCCESS;
}

int main(void) {
    PCLRES_FUNCTION_TABLE table = NULL;
    if (Startup(TypeName, 0, 0, NULL, NULL, &table) != 0 || table->V1Functions.Online != DemoOnline) return 1;
    if (table->TableSize != 88 || table->Version != 0x100 || table->V1Functions.Arbitrate != NULL) return 2;
    if (sizeof TypeName != 10 || TypeName[1] != 'e') return 3;
    if (INVALID_HANDLE_VALUE != (HANDLE)(intptr_t)-1) return 4;
    return 0;
}
