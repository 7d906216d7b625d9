/* The functions of the cluster registry and of notification ports (libclusapi).
 *
 * A HKEY is a key of the cluster registry, good for these functions only. Sizes and lengths: characters without the NUL
 * on return, with it on input; too small is 234 (ERROR_MORE_DATA), past the end of an enumeration 259. */
#ifndef WOLFDEN_CLUSAPI_REGISTRY_H
#define WOLFDEN_CLUSAPI_REGISTRY_H

#include "clusapi_objects.h"

#ifdef __cplusplus
extern "C" {
#endif

BOOL WINAPI CloseClusterNotifyPort(HCHANGE hChange);
LONG WINAPI ClusterRegBatchAddCommand(HREGBATCH hregbatch, CLUSTER_REG_COMMAND dwcommand, LPCWSTR wzname, DWORD
    dwoptions, LPVOID lpdata, DWORD cbdata);
LONG WINAPI ClusterRegBatchCloseNotification(HREGBATCHNOTIFICATION hbatchnotification);
LONG WINAPI ClusterRegBatchReadCommand(HREGBATCHNOTIFICATION hbatchnotification, CLUSTER_BATCH_COMMAND
    *pbatchcommand);
LONG WINAPI ClusterRegCloseBatch(HREGBATCH hregbatch, BOOL bcommit, LONG *failedcommandnumber);
LONG WINAPI ClusterRegCloseBatchEx(HREGBATCH hregbatch, DWORD flags, LONG *failedcommandnumber);
LONG WINAPI ClusterRegCloseBatchNotifyPort(HREGBATCHPORT hbatchnotifyport);
LONG WINAPI ClusterRegCloseKey(HKEY hKey);
LONG WINAPI ClusterRegCloseReadBatch(HREGREADBATCH hregreadbatch, HREGREADBATCHREPLY *phregreadbatchreply);
LONG WINAPI ClusterRegCloseReadBatchEx(HREGREADBATCH hregreadbatch, DWORD flags, HREGREADBATCHREPLY
    *phregreadbatchreply);
LONG WINAPI ClusterRegCloseReadBatchReply(HREGREADBATCHREPLY hregreadbatchreply);
LONG WINAPI ClusterRegCreateBatch(HKEY hKey, HREGBATCH *phregbatch);
LONG WINAPI ClusterRegCreateBatchNotifyPort(HKEY hKey, HREGBATCHPORT *phbatchnotifyport);
LONG WINAPI ClusterRegCreateKey(HKEY hKey, LPCWSTR lpszsubkey, DWORD dwoptions, DWORD samdesired,
    LPSECURITY_ATTRIBUTES lpsecurityattributes, PHKEY phkresult, LPDWORD lpdwdisposition);
LONG WINAPI ClusterRegCreateKeyEx(HKEY hKey, LPCWSTR lpsubkey, DWORD dwoptions, DWORD samdesired,
    LPSECURITY_ATTRIBUTES lpsecurityattributes, PHKEY phkresult, LPDWORD lpdwdisposition, LPCWSTR lpszreason);
LONG WINAPI ClusterRegCreateReadBatch(HKEY hKey, HREGREADBATCH *phregreadbatch);
LONG WINAPI ClusterRegDeleteKey(HKEY hKey, LPCWSTR lpszsubkey);
LONG WINAPI ClusterRegDeleteKeyEx(HKEY hKey, LPCWSTR lpsubkey, LPCWSTR lpszreason);
DWORD WINAPI ClusterRegDeleteValue(HKEY hKey, LPCWSTR lpszvaluename);
DWORD WINAPI ClusterRegDeleteValueEx(HKEY hKey, LPCWSTR lpszvaluename, LPCWSTR lpszreason);
LONG WINAPI ClusterRegEnumKey(HKEY hKey, DWORD dwindex, LPWSTR lpszname, LPDWORD lpcchname, FILETIME
    *lpftlastwritetime);
DWORD WINAPI ClusterRegEnumValue(HKEY hKey, DWORD dwindex, LPWSTR lpszvaluename, LPDWORD lpcchvaluename, LPDWORD
    lpdwtype, LPBYTE lpdata, LPDWORD lpcbdata);
LONG WINAPI ClusterRegGetBatchNotification(HREGBATCHPORT hbatchnotify, HREGBATCHNOTIFICATION *phbatchnotification);
LONG WINAPI ClusterRegGetKeySecurity(HKEY hKey, DWORD requestedinformation, PSECURITY_DESCRIPTOR psecuritydescriptor,
    LPDWORD lpcbsecuritydescriptor);
LONG WINAPI ClusterRegOpenKey(HKEY hKey, LPCWSTR lpszsubkey, DWORD samdesired, PHKEY phkresult);
LONG WINAPI ClusterRegQueryInfoKey(HKEY hKey, LPDWORD lpcsubkeys, LPDWORD lpcchmaxsubkeylen, LPDWORD lpcvalues,
    LPDWORD lpcchmaxvaluenamelen, LPDWORD lpcbmaxvaluelen, LPDWORD lpcbsecuritydescriptor, FILETIME
    *lpftlastwritetime);
LONG WINAPI ClusterRegQueryValue(HKEY hKey, LPCWSTR lpszvaluename, LPDWORD lpdwvaluetype, LPBYTE lpdata, LPDWORD
    lpcbdata);
LONG WINAPI ClusterRegReadBatchAddCommand(HREGREADBATCH hregreadbatch, LPCWSTR wzsubkeyname, LPCWSTR wzvaluename);
LONG WINAPI ClusterRegReadBatchReplyNextCommand(HREGREADBATCHREPLY hregreadbatchreply, CLUSTER_READ_BATCH_COMMAND
    *pbatchcommand);
LONG WINAPI ClusterRegSetKeySecurity(HKEY hKey, DWORD securityinformation, PSECURITY_DESCRIPTOR psecuritydescriptor);
LONG WINAPI ClusterRegSetKeySecurityEx(HKEY hKey, SECURITY_INFORMATION securityinformation, PSECURITY_DESCRIPTOR
    psecuritydescriptor, LPCWSTR lpszreason);
DWORD WINAPI ClusterRegSetValue(HKEY hKey, LPCWSTR lpszvaluename, DWORD dwtype, const BYTE *lpdata, DWORD cbdata);
DWORD WINAPI ClusterRegSetValueEx(HKEY hKey, LPCWSTR lpszvaluename, DWORD dwtype, const BYTE *lpdata, DWORD cbdata,
    LPCWSTR lpszreason);
LONG WINAPI ClusterRegSyncDatabase(HCLUSTER hCluster, DWORD flags);
HCHANGE WINAPI CreateClusterNotifyPort(HCHANGE hChange, HCLUSTER hCluster, DWORD dwfilter, DWORD_PTR dwnotifykey);
HCHANGE WINAPI CreateClusterNotifyPortV2(HCHANGE hChange, HCLUSTER hCluster, const NOTIFY_FILTER_AND_TYPE *filters,
    DWORD dwfiltercount, DWORD_PTR dwnotifykey);
HKEY WINAPI GetClusterGroupKey(HGROUP hGroup, DWORD samdesired);
HKEY WINAPI GetClusterKey(HCLUSTER hCluster, DWORD samdesired);
HKEY WINAPI GetClusterNetInterfaceKey(HNETINTERFACE hNetInterface, DWORD samdesired);
HKEY WINAPI GetClusterNetworkKey(HNETWORK hNetwork, DWORD samdesired);
HKEY WINAPI GetClusterNodeKey(HNODE hNode, DWORD samdesired);
DWORD WINAPI GetClusterNotify(HCHANGE hChange, DWORD_PTR *lpdwnotifykey, LPDWORD lpdwfiltertype, LPWSTR lpszname,
    LPDWORD lpcchname, DWORD dwmilliseconds);
DWORD WINAPI GetClusterNotifyV2(HCHANGE hChange, DWORD_PTR *lpdwnotifykey, NOTIFY_FILTER_AND_TYPE *pfilterandtype,
    LPBYTE buffer, LPDWORD lpbbuffersize, LPWSTR lpszobjectid, LPDWORD lpcchobjectid, LPWSTR lpszparentid, LPDWORD
    lpcchparentid, LPWSTR lpszname, LPDWORD lpcchname, LPWSTR lpsztype, LPDWORD lpcchtype, DWORD dwmilliseconds);
HKEY WINAPI GetClusterResourceKey(HRESOURCE hResource, DWORD samdesired);
HKEY WINAPI GetClusterResourceTypeKey(HCLUSTER hCluster, LPCWSTR lpsztypename, DWORD samdesired);
DWORD WINAPI GetNotifyEventHandle(HCHANGE hChange, HANDLE *lphtargetevent);
DWORD WINAPI RegisterClusterNotify(HCHANGE hChange, DWORD dwfiltertype, HANDLE hobject, DWORD_PTR dwnotifykey);
DWORD WINAPI RegisterClusterNotifyV2(HCHANGE hChange, NOTIFY_FILTER_AND_TYPE filter, HANDLE hobject, DWORD_PTR
    dwnotifykey);
DWORD WINAPI RegisterClusterResourceTypeNotifyV2(HCHANGE hChange, HCLUSTER hCluster, LONGLONG flags, LPCWSTR
    restypename, DWORD_PTR dwnotifykey);

#ifdef __cplusplus
}
#endif

#endif
