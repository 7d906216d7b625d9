/* The functions of the resource utilities (libresutils); on Windows they are part of <resapi.h>.
 *
 * Strings and buffers that a function hands out come from LocalAlloc: give them back with LocalFree. */
#ifndef WOLFDEN_RESUTIL_FUNCTIONS_H
#define WOLFDEN_RESUTIL_FUNCTIONS_H

#include "clusapi_functions.h"
#include "resapi.h"

#ifdef __cplusplus
extern "C" {
#endif

DWORD WINAPI CloseClusterCryptProvider(HCLUSCRYPTPROVIDER hcluscryptprovider);
DWORD WINAPI ClusAddClusterHealthFault(HCLUSTER hCluster, const CLUSTER_HEALTH_FAULT *failure, DWORD param2);
DWORD WINAPI ClusGetClusterHealthFaults(HCLUSTER hCluster, CLUSTER_HEALTH_FAULT_ARRAY *objects, DWORD flags);
DWORD WINAPI ClusRemoveClusterHealthFault(HCLUSTER hCluster, LPCWSTR id, DWORD flags);
BOOL WINAPI ClusWorkerCheckTerminate(CLUS_WORKER *lpworker);
DWORD WINAPI ClusWorkerCreate(CLUS_WORKER *lpworker, PWORKER_START_ROUTINE lpstartaddress, LPVOID lpparameter);
VOID WINAPI ClusWorkerTerminate(const CLUS_WORKER *lpworker);
DWORD WINAPI ClusWorkerTerminateEx(CLUS_WORKER *clusworker, DWORD timeoutinmilliseconds, BOOL waitonly);
DWORD WINAPI ClusWorkersTerminate(PCLUS_WORKER *clusworkers, DWORD_PTR clusworkerscount, DWORD timeoutinmilliseconds,
    BOOL waitonly);
DWORD WINAPI ClusterClearBackupStateForSharedVolume(LPCWSTR lpszvolumepathname);
DWORD WINAPI ClusterDecrypt(HCLUSCRYPTPROVIDER hcluscryptprovider, const BYTE *pcryptinput, DWORD cbcryptinput, LPBYTE
    *ppcryptoutput, LPDWORD pcbcryptoutput);
DWORD WINAPI ClusterEncrypt(HCLUSCRYPTPROVIDER hcluscryptprovider, const BYTE *pdata, DWORD cbdata, LPBYTE *ppdata,
    LPDWORD pcbdata);
BOOL WINAPI ClusterGetVolumeNameForVolumeMountPoint(LPCWSTR lpszvolumemountpoint, LPWSTR lpszvolumename, DWORD
    cchbufferlength);
BOOL WINAPI ClusterGetVolumePathName(LPCWSTR lpszfilename, LPWSTR lpszvolumepathname, DWORD cchbufferlength);
BOOL WINAPI ClusterIsPathOnSharedVolume(LPCWSTR lpszpathname);
DWORD WINAPI ClusterPrepareSharedVolumeForBackup(LPCWSTR lpszfilename, LPWSTR lpszvolumepathname, LPDWORD
    lpcchvolumepathname, LPWSTR lpszvolumename, LPDWORD lpcchvolumename);
DWORD WINAPI FreeClusterCrypt(LPVOID pcryptinfo);
DWORD WINAPI FreeClusterHealthFault(CLUSTER_HEALTH_FAULT *clusterhealthfault);
DWORD WINAPI FreeClusterHealthFaultArray(CLUSTER_HEALTH_FAULT_ARRAY *clusterhealthfaultarray);
DWORD WINAPI InitializeClusterHealthFault(CLUSTER_HEALTH_FAULT *clusterhealthfault);
DWORD WINAPI InitializeClusterHealthFaultArray(CLUSTER_HEALTH_FAULT_ARRAY *clusterhealthfaultarray);
HCLUSCRYPTPROVIDER WINAPI OpenClusterCryptProvider(LPCWSTR lpszresource, const char *lpszprovider, DWORD dwtype, DWORD
    dwflags);
HCLUSCRYPTPROVIDER WINAPI OpenClusterCryptProviderEx(LPCWSTR lpszresource, LPCWSTR lpszkeyname, const char
    *lpszprovider, DWORD dwtype, DWORD dwflags);
DWORD WINAPI ResUtilAddUnknownProperties(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    poutpropertylist, DWORD pcboutpropertylistsize, LPDWORD pcbbytesreturned, LPDWORD pcbrequired);
DWORD WINAPI ResUtilCreateDirectoryTree(LPCWSTR pszpath);
DWORD WINAPI ResUtilDupGroup(HGROUP group, HGROUP *copy);
DWORD WINAPI ResUtilDupParameterBlock(LPBYTE poutparams, const BYTE *pinparams, const RESUTIL_PROPERTY_ITEM
    *ppropertytable);
DWORD WINAPI ResUtilDupResource(HRESOURCE group, HRESOURCE *copy);
LPWSTR WINAPI ResUtilDupString(LPCWSTR pszinstring);
DWORD WINAPI ResUtilEnumGroups(HCLUSTER hCluster, HGROUP hSelf, LPGROUP_CALLBACK_EX prescallback, LPVOID pparameter);
DWORD WINAPI ResUtilEnumGroupsEx(HCLUSTER hCluster, HGROUP hSelf, CLUSGROUP_TYPE grouptype, LPGROUP_CALLBACK_EX
    prescallback, LPVOID pparameter);
DWORD WINAPI ResUtilEnumPrivateProperties(HKEY hkeyclusterkey, LPWSTR pszoutproperties, DWORD cboutpropertiessize,
    LPDWORD pcbbytesreturned, LPDWORD pcbrequired);
DWORD WINAPI ResUtilEnumProperties(const RESUTIL_PROPERTY_ITEM *ppropertytable, LPWSTR pszoutproperties, DWORD
    cboutpropertiessize, LPDWORD pcbbytesreturned, LPDWORD pcbrequired);
DWORD WINAPI ResUtilEnumResources(HRESOURCE hSelf, LPCWSTR lpszrestypename, LPRESOURCE_CALLBACK prescallback, LPVOID
    pparameter);
DWORD WINAPI ResUtilEnumResourcesEx(HCLUSTER hCluster, HRESOURCE hSelf, LPCWSTR lpszrestypename,
    LPRESOURCE_CALLBACK_EX prescallback, LPVOID pparameter);
DWORD WINAPI ResUtilEnumResourcesEx2(HCLUSTER hCluster, HRESOURCE hSelf, LPCWSTR lpszrestypename,
    LPRESOURCE_CALLBACK_EX prescallback, LPVOID pparameter, DWORD dwdesiredaccess);
LPWSTR WINAPI ResUtilExpandEnvironmentStrings(LPCWSTR pszsrc);
DWORD WINAPI ResUtilFindBinaryProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname, LPBYTE
    *pbpropertyvalue, LPDWORD pcbpropertyvaluesize);
DWORD WINAPI ResUtilFindDependentDiskResourceDriveLetter(HCLUSTER hCluster, HRESOURCE hResource, LPWSTR
    pszdriveletter, LPDWORD pcchdriveletter);
DWORD WINAPI ResUtilFindDwordProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname, LPDWORD
    pdwpropertyvalue);
DWORD WINAPI ResUtilFindExpandSzProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname,
    LPWSTR *pszpropertyvalue);
DWORD WINAPI ResUtilFindExpandedSzProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname,
    LPWSTR *pszpropertyvalue);
DWORD WINAPI ResUtilFindFileTimeProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname,
    FILETIME *pftpropertyvalue);
DWORD WINAPI ResUtilFindLongProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname, LONG
    *plpropertyvalue);
DWORD WINAPI ResUtilFindMultiSzProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname,
    LPWSTR *pszpropertyvalue, LPDWORD pcbpropertyvaluesize);
DWORD WINAPI ResUtilFindSzProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname, LPWSTR
    *pszpropertyvalue);
DWORD WINAPI ResUtilFindULargeIntegerProperty(LPVOID ppropertylist, DWORD cbpropertylistsize, LPCWSTR pszpropertyname,
    ULONGLONG *plpropertyvalue);
DWORD WINAPI ResUtilFreeEnvironment(LPVOID lpenvironment);
VOID WINAPI ResUtilFreeParameterBlock(LPBYTE poutparams, const BYTE *pinparams, const RESUTIL_PROPERTY_ITEM
    *ppropertytable);
DWORD WINAPI ResUtilGetAllProperties(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    poutpropertylist, DWORD cboutpropertylistsize, LPDWORD pcbbytesreturned, LPDWORD pcbrequired);
DWORD WINAPI ResUtilGetBinaryProperty(LPBYTE *ppboutvalue, LPDWORD pcboutvaluesize, const CLUSPROP_BINARY
    *pvaluestruct, const BYTE *pboldvalue, DWORD cboldvaluesize, LPBYTE *pppropertylist, LPDWORD pcbpropertylistsize);
DWORD WINAPI ResUtilGetBinaryValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, LPBYTE *ppboutvalue, LPDWORD
    pcboutvaluesize);
DWORD WINAPI ResUtilGetClusterGroupType(HGROUP hGroup, CLUSGROUP_TYPE *grouptype);
DWORD WINAPI ResUtilGetClusterId(HCLUSTER hCluster, GUID *guid);
CLUSTER_ROLE_STATE WINAPI ResUtilGetClusterRoleState(HCLUSTER hCluster, CLUSTER_ROLE eclusterrole);
DWORD WINAPI ResUtilGetCoreClusterResources(HCLUSTER hCluster, HRESOURCE *phclusternameresource, HRESOURCE
    *phclusteripaddressresource, HRESOURCE *phclusterquorumresource);
DWORD WINAPI ResUtilGetCoreClusterResourcesEx(HCLUSTER hclusterin, HRESOURCE *phclusternameresourceout, HRESOURCE
    *phclusterquorumresourceout, DWORD dwdesiredaccess);
HGROUP WINAPI ResUtilGetCoreGroup(HCLUSTER hCluster);
DWORD WINAPI ResUtilGetDwordProperty(LPDWORD pdwoutvalue, const CLUSPROP_DWORD *pvaluestruct, DWORD dwoldvalue, DWORD
    dwminimum, DWORD dwmaximum, LPBYTE *pppropertylist, LPDWORD pcbpropertylistsize);
DWORD WINAPI ResUtilGetDwordValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, LPDWORD pdwoutvalue, DWORD
    dwdefaultvalue);
LPVOID WINAPI ResUtilGetEnvironmentWithNetName(HRESOURCE hResource);
DWORD WINAPI ResUtilGetFileTimeProperty(FILETIME *pftoutvalue, const CLUSPROP_FILETIME *pvaluestruct, FILETIME
    ftoldvalue, FILETIME ftminimum, FILETIME ftmaximum, LPBYTE *pppropertylist, LPDWORD pcbpropertylistsize);
DWORD WINAPI ResUtilGetLongProperty(LONG *ploutvalue, const CLUSPROP_LONG *pvaluestruct, LONG loldvalue, LONG
    lminimum, LONG lmaximum, LPBYTE *pppropertylist, LPDWORD pcbpropertylistsize);
DWORD WINAPI ResUtilGetMultiSzProperty(LPWSTR *ppszoutvalue, LPDWORD pcboutvaluesize, const CLUSPROP_SZ *pvaluestruct,
    LPCWSTR pszoldvalue, DWORD cboldvaluesize, LPBYTE *pppropertylist, LPDWORD pcbpropertylistsize);
DWORD WINAPI ResUtilGetPrivateProperties(HKEY hkeyclusterkey, LPVOID poutpropertylist, DWORD cboutpropertylistsize,
    LPDWORD pcbbytesreturned, LPDWORD pcbrequired);
DWORD WINAPI ResUtilGetProperties(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    poutpropertylist, DWORD cboutpropertylistsize, LPDWORD pcbbytesreturned, LPDWORD pcbrequired);
DWORD WINAPI ResUtilGetPropertiesToParameterBlock(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable,
    LPBYTE poutparams, BOOL bcheckforrequiredproperties, LPWSTR *psznameofpropinerror);
DWORD WINAPI ResUtilGetProperty(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytableitem, LPVOID
    *poutpropertyitem, LPDWORD pcboutpropertyitemsize);
DWORD WINAPI ResUtilGetPropertyFormats(const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID poutpropertyformatlist,
    DWORD cbpropertyformatlistsize, LPDWORD pcbbytesreturned, LPDWORD pcbrequired);
DWORD WINAPI ResUtilGetPropertySize(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytableitem, LPDWORD
    pcboutpropertylistsize, LPDWORD pnpropertycount);
DWORD WINAPI ResUtilGetQwordValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, ULONGLONG *pqwoutvalue, ULONGLONG
    qwdefaultvalue);
HRESOURCE WINAPI ResUtilGetResourceDependency(HANDLE hSelf, LPCWSTR lpszresourcetype);
HRESOURCE WINAPI ResUtilGetResourceDependencyByClass(HCLUSTER hCluster, HANDLE hSelf, CLUS_RESOURCE_CLASS_INFO *prci,
    BOOL brecurse);
HRESOURCE WINAPI ResUtilGetResourceDependencyByClassEx(HCLUSTER hCluster, HANDLE hSelf, CLUS_RESOURCE_CLASS_INFO
    *prci, BOOL brecurse, DWORD dwdesiredaccess);
HRESOURCE WINAPI ResUtilGetResourceDependencyByName(HCLUSTER hCluster, HANDLE hSelf, LPCWSTR lpszresourcetype, BOOL
    brecurse);
HRESOURCE WINAPI ResUtilGetResourceDependencyByNameEx(HCLUSTER hCluster, HANDLE hSelf, LPCWSTR lpszresourcetype, BOOL
    brecurse, DWORD dwdesiredaccess);
HRESOURCE WINAPI ResUtilGetResourceDependencyEx(HANDLE hSelf, LPCWSTR lpszresourcetype, DWORD dwdesiredaccess);
DWORD WINAPI ResUtilGetResourceDependentIPAddressProps(HRESOURCE hResource, LPWSTR pszaddress, LPDWORD pcchaddress,
    LPWSTR pszsubnetmask, LPDWORD pcchsubnetmask, LPWSTR psznetwork, LPDWORD pcchnetwork);
DWORD WINAPI ResUtilGetResourceName(HRESOURCE hResource, LPWSTR pszresourcename, LPDWORD pcchresourcenameinout);
HRESOURCE WINAPI ResUtilGetResourceNameDependency(LPCWSTR lpszresourcename, LPCWSTR lpszresourcetype);
HRESOURCE WINAPI ResUtilGetResourceNameDependencyEx(LPCWSTR lpszresourcename, LPCWSTR lpszresourcetype, DWORD
    dwdesiredaccess);
DWORD WINAPI ResUtilGetSzProperty(LPWSTR *ppszoutvalue, const CLUSPROP_SZ *pvaluestruct, LPCWSTR pszoldvalue, LPBYTE
    *pppropertylist, LPDWORD pcbpropertylistsize);
LPWSTR WINAPI ResUtilGetSzValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename);
DWORD WINAPI ResUtilGroupsEqual(HGROUP hSelf, HGROUP hGroup, BOOL *pequal);
BOOL WINAPI ResUtilIsPathValid(LPCWSTR pszpath);
BOOL WINAPI ResUtilIsResourceClassEqual(CLUS_RESOURCE_CLASS_INFO *prci, HRESOURCE hResource);
BOOL WINAPI ResUtilLeftPaxosIsLessThanRight(const PaxosTagCStruct *left, const PaxosTagCStruct *right);
DWORD WINAPI ResUtilNodeEnum(HCLUSTER hCluster, LPNODE_CALLBACK pnodecallback, LPVOID pparameter);
BOOL WINAPI ResUtilPaxosComparer(const PaxosTagCStruct *left, const PaxosTagCStruct *right);
DWORD WINAPI ResUtilPropertyListFromParameterBlock(const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    poutpropertylist, LPDWORD pcboutpropertylistsize, const BYTE *pinparams, LPDWORD pcbbytesreturned, LPDWORD
    pcbrequired);
DWORD WINAPI ResUtilRemoveResourceServiceEnvironment(LPCWSTR pszservicename, PLOG_EVENT_ROUTINE pfnlogevent,
    RESOURCE_HANDLE hresourcehandle);
DWORD WINAPI ResUtilResourceDepEnum(HRESOURCE hSelf, DWORD enumtype, LPRESOURCE_CALLBACK_EX prescallback, LPVOID
    pparameter);
BOOL WINAPI ResUtilResourceTypesEqual(LPCWSTR lpszresourcetypename, HRESOURCE hResource);
BOOL WINAPI ResUtilResourcesEqual(HRESOURCE hSelf, HRESOURCE hResource);
DWORD WINAPI ResUtilSetBinaryValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, const BYTE *pbnewvalue, DWORD
    cbnewvaluesize, LPBYTE *ppboutvalue, LPDWORD pcboutvaluesize);
DWORD WINAPI ResUtilSetDwordValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, DWORD dwnewvalue, LPDWORD pdwoutvalue);
DWORD WINAPI ResUtilSetExpandSzValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, LPCWSTR psznewvalue, LPWSTR
    *ppszoutstring);
DWORD WINAPI ResUtilSetMultiSzValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, LPCWSTR psznewvalue, DWORD
    cbnewvaluesize, LPWSTR *ppszoutvalue, LPDWORD pcboutvaluesize);
DWORD WINAPI ResUtilSetPrivatePropertyList(HKEY hkeyclusterkey, LPVOID pinpropertylist, DWORD cbinpropertylistsize);
DWORD WINAPI ResUtilSetPropertyParameterBlock(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    reserved, const BYTE *pinparams, LPVOID pinpropertylist, DWORD cbinpropertylistsize, LPBYTE poutparams);
DWORD WINAPI ResUtilSetPropertyParameterBlockEx(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable,
    LPVOID reserved, const BYTE *pinparams, LPVOID pinpropertylist, DWORD cbinpropertylistsize, BOOL bforcewrite,
    LPBYTE poutparams);
DWORD WINAPI ResUtilSetPropertyTable(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    reserved, BOOL ballowunknownproperties, LPVOID pinpropertylist, DWORD cbinpropertylistsize, LPBYTE poutparams);
DWORD WINAPI ResUtilSetPropertyTableEx(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    reserved, BOOL ballowunknownproperties, LPVOID pinpropertylist, DWORD cbinpropertylistsize, BOOL bforcewrite,
    LPBYTE poutparams);
DWORD WINAPI ResUtilSetQwordValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, ULONGLONG qwnewvalue, ULONGLONG
    *pqwoutvalue);
DWORD WINAPI ResUtilSetResourceServiceEnvironment(LPCWSTR pszservicename, HRESOURCE hResource, PLOG_EVENT_ROUTINE
    pfnlogevent, RESOURCE_HANDLE hresourcehandle);
DWORD WINAPI ResUtilSetResourceServiceStartParameters(LPCWSTR pszservicename, SC_HANDLE schscmhandle, SC_HANDLE
    *phservice, PLOG_EVENT_ROUTINE pfnlogevent, RESOURCE_HANDLE hresourcehandle);
DWORD WINAPI ResUtilSetResourceServiceStartParametersEx(LPCWSTR pszservicename, SC_HANDLE schscmhandle, SC_HANDLE
    *phservice, DWORD dwdesiredaccess, PLOG_EVENT_ROUTINE pfnlogevent, RESOURCE_HANDLE hresourcehandle);
DWORD WINAPI ResUtilSetSzValue(HKEY hkeyclusterkey, LPCWSTR pszvaluename, LPCWSTR psznewvalue, LPWSTR *ppszoutstring);
DWORD WINAPI ResUtilSetUnknownProperties(HKEY hkeyclusterkey, const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID
    pinpropertylist, DWORD cbinpropertylistsize);
DWORD WINAPI ResUtilSetValueEx(HKEY hkeyclusterkey, LPCWSTR valuename, DWORD valuetype, const BYTE *valuedata, DWORD
    valuesize, DWORD flags);
DWORD WINAPI ResUtilStartResourceService(LPCWSTR pszservicename, SC_HANDLE *phservicehandle);
DWORD WINAPI ResUtilStopResourceService(LPCWSTR pszservicename);
DWORD WINAPI ResUtilStopService(SC_HANDLE hservicehandle);
DWORD WINAPI ResUtilTerminateServiceProcessFromResDll(DWORD dwservicepid, BOOL boffline, LPDWORD pdwresourcestate,
    PLOG_EVENT_ROUTINE pfnlogevent, RESOURCE_HANDLE hresourcehandle);
DWORD WINAPI ResUtilVerifyPrivatePropertyList(LPVOID pinpropertylist, DWORD cbinpropertylistsize);
DWORD WINAPI ResUtilVerifyPropertyTable(const RESUTIL_PROPERTY_ITEM *ppropertytable, LPVOID reserved, BOOL
    ballowunknownproperties, LPVOID pinpropertylist, DWORD cbinpropertylistsize, LPBYTE poutparams);
DWORD WINAPI ResUtilVerifyResourceService(LPCWSTR pszservicename);
DWORD WINAPI ResUtilVerifyService(SC_HANDLE hservicehandle);
DWORD WINAPI ResUtilVerifyShutdownSafe(DWORD flags, DWORD reason, LPDWORD presult);
DWORD WINAPI ResUtilsDeleteKeyTree(HKEY key, LPCWSTR keyname, BOOL treatnokeyaserror);

#ifdef __cplusplus
}
#endif

#endif
