/* The functions of the cluster API (libclusapi): opening, asking, ordering, enumerating, control codes.
 *
 * Every function has the signature that the SDK documents; the library's docs/api-coverage.md says which of them only
 * answer an error here. A function that returns DWORD returns a Win32 code, 0 for success and 997 (ERROR_IO_PENDING) for
 * "accepted, goes on by itself". One that returns a handle, a BOOL or a state leaves the code to GetLastError. */
#ifndef WOLFDEN_CLUSAPI_FUNCTIONS_H
#define WOLFDEN_CLUSAPI_FUNCTIONS_H

#include "clusapi_objects.h"
#include "clusapi_registry.h"

#ifdef __cplusplus
extern "C" {
#endif

DWORD WINAPI AddClusterGroupDependency(HGROUP hdependentgroup, HGROUP hprovidergroup);
DWORD WINAPI AddClusterGroupDependencyEx(HGROUP hdependentgroup, HGROUP hprovidergroup, LPCWSTR lpszreason);
DWORD WINAPI AddClusterGroupSetDependency(HGROUPSET hdependentgroupset, HGROUPSET hprovidergroupset);
DWORD WINAPI AddClusterGroupSetDependencyEx(HGROUPSET hdependentgroupset, HGROUPSET hprovidergroupset, LPCWSTR
    lpszreason);
DWORD WINAPI AddClusterGroupToGroupSetDependency(HGROUP hdependentgroup, HGROUPSET hprovidergroupset);
DWORD WINAPI AddClusterGroupToGroupSetDependencyEx(HGROUP hdependentgroup, HGROUPSET hprovidergroupset, LPCWSTR
    lpszreason);
HNODE WINAPI AddClusterNode(HCLUSTER hCluster, LPCWSTR lpsznodename, PCLUSTER_SETUP_PROGRESS_CALLBACK
    pfnprogresscallback, LPVOID pvcallbackarg);
HNODE WINAPI AddClusterNodeEx(HCLUSTER hCluster, LPCWSTR lpsznodename, DWORD dwflags, PCLUSTER_SETUP_PROGRESS_CALLBACK
    pfnprogresscallback, LPVOID pvcallbackarg);
DWORD WINAPI AddClusterResourceDependency(HRESOURCE hResource, HRESOURCE hdependson);
DWORD WINAPI AddClusterResourceDependencyEx(HRESOURCE hResource, HRESOURCE hdependson, LPCWSTR lpszreason);
DWORD WINAPI AddClusterResourceNode(HRESOURCE hResource, HNODE hNode);
DWORD WINAPI AddClusterResourceNodeEx(HRESOURCE hResource, HNODE hNode, LPCWSTR lpszreason);
DWORD WINAPI AddClusterStorageNode(HCLUSTER hCluster, LPCWSTR lpsznodename, PCLUSTER_SETUP_PROGRESS_CALLBACK
    pfnprogresscallback, LPVOID pvcallbackarg, LPCWSTR lpszclusterstoragenodedescription, LPCWSTR
    lpszclusterstoragenodelocation);
DWORD WINAPI AddCrossClusterGroupSetDependency(HGROUPSET hdependentgroupset, LPCWSTR lpremoteclustername, LPCWSTR
    lpremotegroupsetname);
DWORD WINAPI AddResourceToClusterSharedVolumes(HRESOURCE hResource);
DWORD WINAPI BackupClusterDatabase(HCLUSTER hCluster, LPCWSTR lpszpathname);
BOOL WINAPI CanResourceBeDependent(HRESOURCE hResource, HRESOURCE hresourcedependent);
DWORD WINAPI CancelClusterGroupOperation(HGROUP hGroup, DWORD dwcancelflags_reserved);
DWORD WINAPI ChangeClusterResourceGroup(HRESOURCE hResource, HGROUP hGroup);
DWORD WINAPI ChangeClusterResourceGroupEx(HRESOURCE hResource, HGROUP hGroup, ULONGLONG flags);
DWORD WINAPI ChangeClusterResourceGroupEx2(HRESOURCE hResource, HGROUP hGroup, ULONGLONG flags, LPCWSTR lpszreason);
BOOL WINAPI CloseCluster(HCLUSTER hCluster);
BOOL WINAPI CloseClusterGroup(HGROUP hGroup);
BOOL WINAPI CloseClusterGroupSet(HGROUPSET hGroupSet);
BOOL WINAPI CloseClusterNetInterface(HNETINTERFACE hNetInterface);
BOOL WINAPI CloseClusterNetwork(HNETWORK hNetwork);
BOOL WINAPI CloseClusterNode(HNODE hNode);
BOOL WINAPI CloseClusterResource(HRESOURCE hResource);
CLUSAPI_REASON_HANDLER *WINAPI ClusapiSetReasonHandler(const CLUSAPI_REASON_HANDLER *lphandler);
DWORD WINAPI ClusterAddGroupToAffinityRule(HCLUSTER hCluster, LPCWSTR rulename, HGROUP hGroup);
DWORD WINAPI ClusterAddGroupToGroupSet(HGROUPSET hGroupSet, HGROUP hGroup);
DWORD WINAPI ClusterAddGroupToGroupSetWithDomains(HGROUPSET hGroupSet, HGROUP hGroup, DWORD faultdomain, DWORD
    updatedomain);
DWORD WINAPI ClusterAddGroupToGroupSetWithDomainsEx(HGROUPSET hGroupSet, HGROUP hGroup, DWORD faultdomain, DWORD
    updatedomain, LPCWSTR lpszreason);
DWORD WINAPI ClusterAffinityRuleControl(HCLUSTER hCluster, LPCWSTR affinityrulename, HNODE hhostnode, DWORD
    dwcontrolcode, LPVOID lpinbuffer, DWORD cbinbuffersize, LPVOID lpoutbuffer, DWORD cboutbuffersize, LPDWORD
    lpbytesreturned);
DWORD WINAPI ClusterCloseEnum(HCLUSENUM henum);
DWORD WINAPI ClusterCloseEnumEx(HCLUSENUMEX hclusterenum);
DWORD WINAPI ClusterControl(HCLUSTER hCluster, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterControlEx(HCLUSTER hCluster, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterCreateAffinityRule(HCLUSTER hCluster, LPCWSTR rulename, CLUS_AFFINITY_RULE_TYPE ruletype);
DWORD WINAPI ClusterEnum(HCLUSENUM henum, DWORD dwindex, LPDWORD lpdwtype, LPWSTR lpszname, LPDWORD lpcchname);
DWORD WINAPI ClusterEnumEx(HCLUSENUMEX hclusterenum, DWORD dwindex, CLUSTER_ENUM_ITEM *pitem, LPDWORD cbitem);
DWORD WINAPI ClusterGetEnumCount(HCLUSENUM henum);
DWORD WINAPI ClusterGetEnumCountEx(HCLUSENUMEX hclusterenum);
DWORD WINAPI ClusterGroupCloseEnum(HGROUPENUM hgroupenum);
DWORD WINAPI ClusterGroupCloseEnumEx(HGROUPENUMEX hgroupenumex);
DWORD WINAPI ClusterGroupControl(HGROUP hGroup, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterGroupControlEx(HGROUP hGroup, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterGroupEnum(HGROUPENUM hgroupenum, DWORD dwindex, LPDWORD lpdwtype, LPWSTR lpszresourcename, LPDWORD
    lpcchname);
DWORD WINAPI ClusterGroupEnumEx(HGROUPENUMEX hgroupenumex, DWORD dwindex, CLUSTER_GROUP_ENUM_ITEM *pitem, LPDWORD
    cbitem);
DWORD WINAPI ClusterGroupGetEnumCount(HGROUPENUM hgroupenum);
DWORD WINAPI ClusterGroupGetEnumCountEx(HGROUPENUMEX hgroupenumex);
HGROUPENUM WINAPI ClusterGroupOpenEnum(HGROUP hGroup, DWORD dwtype);
HGROUPENUMEX WINAPI ClusterGroupOpenEnumEx(HCLUSTER hCluster, LPCWSTR lpszproperties, DWORD cbproperties, LPCWSTR
    lpszroproperties, DWORD cbroproperties, DWORD dwflags);
DWORD WINAPI ClusterGroupSetCloseEnum(HGROUPSETENUM hgroupsetenum);
DWORD WINAPI ClusterGroupSetControl(HGROUPSET hGroupSet, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer,
    DWORD cbinbuffersize, LPVOID lpoutbuffer, DWORD cboutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterGroupSetControlEx(HGROUPSET hGroupSet, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer,
    DWORD cbinbuffersize, LPVOID lpoutbuffer, DWORD cboutbuffersize, LPDWORD lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterGroupSetEnum(HGROUPSETENUM hgroupsetenum, DWORD dwindex, LPWSTR lpszname, LPDWORD lpcchname);
DWORD WINAPI ClusterGroupSetGetEnumCount(HGROUPSETENUM hgroupsetenum);
HGROUPSETENUM WINAPI ClusterGroupSetOpenEnum(HCLUSTER hCluster);
DWORD WINAPI ClusterNetInterfaceCloseEnum(HNETINTERFACEENUM hnetinterfaceenum);
DWORD WINAPI ClusterNetInterfaceControl(HNETINTERFACE hNetInterface, HNODE hhostnode, DWORD dwcontrolcode, LPVOID
    lpinbuffer, DWORD ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterNetInterfaceControlEx(HNETINTERFACE hNetInterface, HNODE hhostnode, DWORD dwcontrolcode, LPVOID
    lpinbuffer, DWORD ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned, LPCWSTR
    lpszreason);
DWORD WINAPI ClusterNetInterfaceEnum(HNETINTERFACEENUM hnetinterfaceenum, DWORD dwindex, LPWSTR lpszname, LPDWORD
    lpcchname);
HNETINTERFACEENUM WINAPI ClusterNetInterfaceOpenEnum(HCLUSTER hCluster, LPCWSTR lpsznodename, LPCWSTR
    lpsznetworkname);
DWORD WINAPI ClusterNetworkCloseEnum(HNETWORKENUM hnetworkenum);
DWORD WINAPI ClusterNetworkControl(HNETWORK hNetwork, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterNetworkControlEx(HNETWORK hNetwork, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterNetworkEnum(HNETWORKENUM hnetworkenum, DWORD dwindex, LPDWORD lpdwtype, LPWSTR lpszname, LPDWORD
    lpcchname);
DWORD WINAPI ClusterNetworkGetEnumCount(HNETWORKENUM hnetworkenum);
HNETWORKENUM WINAPI ClusterNetworkOpenEnum(HNETWORK hNetwork, DWORD dwtype);
DWORD WINAPI ClusterNodeCloseEnum(HNODEENUM hnodeenum);
DWORD WINAPI ClusterNodeCloseEnumEx(HNODEENUMEX hnodeenum);
DWORD WINAPI ClusterNodeControl(HNODE hNode, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterNodeControlEx(HNODE hNode, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD
    ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterNodeEnum(HNODEENUM hnodeenum, DWORD dwindex, LPDWORD lpdwtype, LPWSTR lpszname, LPDWORD
    lpcchname);
DWORD WINAPI ClusterNodeEnumEx(HNODEENUMEX hnodeenum, DWORD dwindex, CLUSTER_ENUM_ITEM *pitem, LPDWORD cbitem);
DWORD WINAPI ClusterNodeGetEnumCount(HNODEENUM hnodeenum);
DWORD WINAPI ClusterNodeGetEnumCountEx(HNODEENUMEX hnodeenum);
HNODEENUM WINAPI ClusterNodeOpenEnum(HNODE hNode, DWORD dwtype);
HNODEENUMEX WINAPI ClusterNodeOpenEnumEx(HNODE hNode, DWORD dwtype, LPVOID poptions);
DWORD WINAPI ClusterNodeReplacement(HCLUSTER hCluster, LPCWSTR lpsznodenamecurrent, LPCWSTR lpsznodenamenew);
HCLUSENUM WINAPI ClusterOpenEnum(HCLUSTER hCluster, DWORD dwtype);
HCLUSENUMEX WINAPI ClusterOpenEnumEx(HCLUSTER hCluster, DWORD dwtype, LPVOID poptions);
DWORD WINAPI ClusterRemoveAffinityRule(HCLUSTER hCluster, LPCWSTR rulename);
DWORD WINAPI ClusterRemoveGroupFromAffinityRule(HCLUSTER hCluster, LPCWSTR rulename, HGROUP hGroup);
DWORD WINAPI ClusterRemoveGroupFromGroupSet(HGROUP hGroup);
DWORD WINAPI ClusterRemoveGroupFromGroupSetEx(HGROUP hGroup, LPCWSTR lpszreason);
DWORD WINAPI ClusterResourceCloseEnum(HRESENUM hresenum);
DWORD WINAPI ClusterResourceCloseEnumEx(HRESENUMEX hresourceenumex);
DWORD WINAPI ClusterResourceControl(HRESOURCE hResource, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer,
    DWORD cbinbuffersize, LPVOID lpoutbuffer, DWORD cboutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterResourceControlAsUser(HRESOURCE hResource, HNODE hhostnode, DWORD dwcontrolcode, LPVOID
    lpinbuffer, DWORD cbinbuffersize, LPVOID lpoutbuffer, DWORD cboutbuffersize, LPDWORD lpbytesreturned);
DWORD WINAPI ClusterResourceControlAsUserEx(HRESOURCE hResource, HNODE hhostnode, DWORD dwcontrolcode, LPVOID
    lpinbuffer, DWORD cbinbuffersize, LPVOID lpoutbuffer, DWORD cboutbuffersize, LPDWORD lpbytesreturned, LPCWSTR
    lpszreason);
DWORD WINAPI ClusterResourceControlEx(HRESOURCE hResource, HNODE hhostnode, DWORD dwcontrolcode, LPVOID lpinbuffer,
    DWORD cbinbuffersize, LPVOID lpoutbuffer, DWORD cboutbuffersize, LPDWORD lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterResourceEnum(HRESENUM hresenum, DWORD dwindex, LPDWORD lpdwtype, LPWSTR lpszname, LPDWORD
    lpcchname);
DWORD WINAPI ClusterResourceEnumEx(HRESENUMEX hresourceenumex, DWORD dwindex, CLUSTER_RESOURCE_ENUM_ITEM *pitem,
    LPDWORD cbitem);
DWORD WINAPI ClusterResourceGetEnumCount(HRESENUM hresenum);
DWORD WINAPI ClusterResourceGetEnumCountEx(HRESENUMEX hresourceenumex);
HRESENUM WINAPI ClusterResourceOpenEnum(HRESOURCE hResource, DWORD dwtype);
HRESENUMEX WINAPI ClusterResourceOpenEnumEx(HCLUSTER hCluster, LPCWSTR lpszproperties, DWORD cbproperties, LPCWSTR
    lpszroproperties, DWORD cbroproperties, DWORD dwflags);
DWORD WINAPI ClusterResourceTypeCloseEnum(HRESTYPEENUM hrestypeenum);
DWORD WINAPI ClusterResourceTypeControl(HCLUSTER hCluster, LPCWSTR lpszresourcetypename, HNODE hhostnode, DWORD
    dwcontrolcode, LPVOID lpinbuffer, DWORD ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD
    lpbytesreturned);
DWORD WINAPI ClusterResourceTypeControlAsUser(HCLUSTER hCluster, LPCWSTR lpszresourcetypename, HNODE hhostnode, DWORD
    dwcontrolcode, LPVOID lpinbuffer, DWORD ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD
    lpbytesreturned);
DWORD WINAPI ClusterResourceTypeControlAsUserEx(HCLUSTER hCluster, LPCWSTR lpszresourcetypename, HNODE hhostnode,
    DWORD dwcontrolcode, LPVOID lpinbuffer, DWORD ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD
    lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterResourceTypeControlEx(HCLUSTER hCluster, LPCWSTR lpszresourcetypename, HNODE hhostnode, DWORD
    dwcontrolcode, LPVOID lpinbuffer, DWORD ninbuffersize, LPVOID lpoutbuffer, DWORD noutbuffersize, LPDWORD
    lpbytesreturned, LPCWSTR lpszreason);
DWORD WINAPI ClusterResourceTypeEnum(HRESTYPEENUM hrestypeenum, DWORD dwindex, LPDWORD lpdwtype, LPWSTR lpszname,
    LPDWORD lpcchname);
DWORD WINAPI ClusterResourceTypeGetEnumCount(HRESTYPEENUM hrestypeenum);
HRESTYPEENUM WINAPI ClusterResourceTypeOpenEnum(HCLUSTER hCluster, LPCWSTR lpszresourcetypename, DWORD dwtype);
DWORD WINAPI ClusterSetAccountAccess(HCLUSTER hCluster, LPCWSTR szaccountsid, DWORD dwaccess, DWORD dwcontroltype);
DWORD WINAPI ClusterSharedVolumeSetSnapshotState(GUID guidsnapshotset, LPCWSTR lpszvolumename,
    CLUSTER_SHARED_VOLUME_SNAPSHOT_STATE state);
DWORD WINAPI ClusterUpgradeFunctionalLevel(HCLUSTER hCluster, BOOL perform, PCLUSTER_UPGRADE_PROGRESS_CALLBACK
    pfnprogresscallback, LPVOID pvcallbackarg);
HCLUSTER WINAPI CreateCluster(const CREATE_CLUSTER_CONFIG *pconfig, PCLUSTER_SETUP_PROGRESS_CALLBACK
    pfnprogresscallback, LPVOID pvcallbackarg);
HGROUPSET WINAPI CreateClusterAvailabilitySet(HCLUSTER hCluster, LPCWSTR lpavailabilitysetname, const
    CLUSTER_AVAILABILITY_SET_CONFIG *pavailabilitysetconfig);
HGROUP WINAPI CreateClusterGroup(HCLUSTER hCluster, LPCWSTR lpszgroupname);
HGROUP WINAPI CreateClusterGroupEx(HCLUSTER hCluster, LPCWSTR lpszgroupname, const CLUSTER_CREATE_GROUP_INFO
    *pgroupinfo);
HGROUPSET WINAPI CreateClusterGroupSet(HCLUSTER hCluster, LPCWSTR groupsetname);
DWORD WINAPI CreateClusterNameAccount(HCLUSTER hCluster, const CREATE_CLUSTER_NAME_ACCOUNT *pconfig,
    PCLUSTER_SETUP_PROGRESS_CALLBACK pfnprogresscallback, LPVOID pvcallbackarg);
HRESOURCE WINAPI CreateClusterResource(HGROUP hGroup, LPCWSTR lpszresourcename, LPCWSTR lpszresourcetype, DWORD
    dwflags);
HRESOURCE WINAPI CreateClusterResourceEx(HGROUP hGroup, LPCWSTR lpszresourcename, LPCWSTR lpszresourcetype, DWORD
    dwflags, LPCWSTR lpszreason);
DWORD WINAPI CreateClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszresourcetypename, LPCWSTR lpszdisplayname,
    LPCWSTR lpszresourcetypedll, DWORD dwlooksalivepollinterval, DWORD dwisalivepollinterval);
DWORD WINAPI CreateClusterResourceTypeEx(HCLUSTER hCluster, LPCWSTR lpszresourcetypename, LPCWSTR lpszdisplayname,
    LPCWSTR lpszresourcetypedll, DWORD dwlooksalivepollinterval, DWORD dwisalivepollinterval, LPCWSTR lpszreason);
DWORD WINAPI DeleteClusterGroup(HGROUP hGroup);
DWORD WINAPI DeleteClusterGroupEx(HGROUP hGroup, LPCWSTR lpszreason);
DWORD WINAPI DeleteClusterGroupSet(HGROUPSET hGroupSet);
DWORD WINAPI DeleteClusterGroupSetEx(HGROUPSET hGroupSet, LPCWSTR lpszreason);
DWORD WINAPI DeleteClusterResource(HRESOURCE hResource);
DWORD WINAPI DeleteClusterResourceEx(HRESOURCE hResource, LPCWSTR lpszreason);
DWORD WINAPI DeleteClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszresourcetypename);
DWORD WINAPI DeleteClusterResourceTypeEx(HCLUSTER hCluster, LPCWSTR lpsztypename, LPCWSTR lpszreason);
DWORD WINAPI DestroyCluster(HCLUSTER hCluster, PCLUSTER_SETUP_PROGRESS_CALLBACK pfnprogresscallback, LPVOID
    pvcallbackarg, BOOL fdeletevirtualcomputerobjects);
DWORD WINAPI DestroyClusterGroup(HGROUP hGroup);
DWORD WINAPI DestroyClusterGroupEx(HGROUP hGroup, LPCWSTR lpszreason);
DWORD WINAPI DetermineCNOResTypeFromCluster(HCLUSTER hCluster, CLUSTER_MGMT_POINT_RESTYPE *pcnorestype);
DWORD WINAPI DetermineCNOResTypeFromNodelist(DWORD cnodes, const LPCWSTR *ppsznodenames, CLUSTER_MGMT_POINT_RESTYPE
    *pcnorestype);
DWORD WINAPI DetermineClusterCloudTypeFromCluster(HCLUSTER hCluster, CLUSTER_CLOUD_TYPE *pcloudtype);
DWORD WINAPI DetermineClusterCloudTypeFromNodelist(DWORD cnodes, const LPCWSTR *ppsznodenames, CLUSTER_CLOUD_TYPE
    *pcloudtype);
DWORD WINAPI EvictClusterNode(HNODE hNode);
DWORD WINAPI EvictClusterNodeEx(HNODE hNode, DWORD dwtimeout, HRESULT *phrcleanupstatus);
DWORD WINAPI EvictClusterNodeEx2(HNODE hNode, DWORD dwtimeout, HRESULT *phrcleanupstatus, LPCWSTR lpszreason);
DWORD WINAPI FailClusterResource(HRESOURCE hResource);
DWORD WINAPI FailClusterResourceEx(HRESOURCE hResource, LPCWSTR lpszreason);
HCLUSTER WINAPI GetClusterFromGroup(HGROUP hGroup);
HCLUSTER WINAPI GetClusterFromNetInterface(HNETINTERFACE hNetInterface);
HCLUSTER WINAPI GetClusterFromNetwork(HNETWORK hNetwork);
HCLUSTER WINAPI GetClusterFromNode(HNODE hNode);
HCLUSTER WINAPI GetClusterFromResource(HRESOURCE hResource);
CLUSTER_GROUP_STATE WINAPI GetClusterGroupState(HGROUP hGroup, LPWSTR lpsznodename, LPDWORD lpcchnodename);
DWORD WINAPI GetClusterInformation(HCLUSTER hCluster, LPWSTR lpszclustername, LPDWORD lpcchclustername,
    CLUSTERVERSIONINFO *lpclusterinfo);
DWORD WINAPI GetClusterNetInterface(HCLUSTER hCluster, LPCWSTR lpsznodename, LPCWSTR lpsznetworkname, LPWSTR
    lpszinterfacename, LPDWORD lpcchinterfacename);
CLUSTER_NETINTERFACE_STATE WINAPI GetClusterNetInterfaceState(HNETINTERFACE hNetInterface);
DWORD WINAPI GetClusterNetworkId(HNETWORK hNetwork, LPWSTR lpsznetworkid, LPDWORD lpcchname);
CLUSTER_NETWORK_STATE WINAPI GetClusterNetworkState(HNETWORK hNetwork);
DWORD WINAPI GetClusterNodeId(HNODE hNode, LPWSTR lpsznodeid, LPDWORD lpcchname);
CLUSTER_NODE_STATE WINAPI GetClusterNodeState(HNODE hNode);
DWORD WINAPI GetClusterQuorumResource(HCLUSTER hCluster, LPWSTR lpszresourcename, LPDWORD lpcchresourcename, LPWSTR
    lpszdevicename, LPDWORD lpcchdevicename, LPDWORD lpdwmaxquorumlogsize);
DWORD WINAPI GetClusterResourceDependencyExpression(HRESOURCE hResource, LPWSTR lpszdependencyexpression, LPDWORD
    lpcchdependencyexpression);
BOOL WINAPI GetClusterResourceNetworkName(HRESOURCE hResource, LPWSTR lpbuffer, LPDWORD nsize);
CLUSTER_RESOURCE_STATE WINAPI GetClusterResourceState(HRESOURCE hResource, LPWSTR lpsznodename, LPDWORD lpcchnodename,
    LPWSTR lpszgroupname, LPDWORD lpcchgroupname);
DWORD WINAPI GetNodeCloudTypeDW(LPCWSTR ppsznodename, LPDWORD nodecloudtype);
DWORD WINAPI GetNodeClusterState(LPCWSTR lpsznodename, LPDWORD pdwclusterstate);
DWORD WINAPI IsFileOnClusterSharedVolume(LPCWSTR lpszpathname, BOOL *pbfileisonsharedvolume);
DWORD WINAPI MoveClusterGroup(HGROUP hGroup, HNODE hdestinationnode);
DWORD WINAPI MoveClusterGroupEx(HGROUP hGroup, HNODE hdestinationnode, DWORD dwmoveflags, const BYTE *lpinbuffer,
    DWORD cbinbuffersize);
DWORD WINAPI MoveClusterGroupEx2(HGROUP hGroup, HNODE hdestinationnode, DWORD dwmoveflags, const BYTE *lpinbuffer,
    DWORD cbinbuffersize, LPCWSTR lpszreason);
DWORD WINAPI OfflineClusterGroup(HGROUP hGroup);
DWORD WINAPI OfflineClusterGroupEx(HGROUP hGroup, DWORD dwofflineflags, const BYTE *lpinbuffer, DWORD cbinbuffersize);
DWORD WINAPI OfflineClusterGroupEx2(HGROUP hGroup, DWORD dwofflineflags, const BYTE *lpinbuffer, DWORD cbinbuffersize,
    LPCWSTR lpszreason);
DWORD WINAPI OfflineClusterResource(HRESOURCE hResource);
DWORD WINAPI OfflineClusterResourceEx(HRESOURCE hResource, DWORD dwofflineflags, const BYTE *lpinbuffer, DWORD
    cbinbuffersize);
DWORD WINAPI OfflineClusterResourceEx2(HRESOURCE hResource, DWORD dwofflineflags, const BYTE *lpinbuffer, DWORD
    cbinbuffersize, LPCWSTR lpszreason);
DWORD WINAPI OnlineClusterGroup(HGROUP hGroup, HNODE hdestinationnode);
DWORD WINAPI OnlineClusterGroupEx(HGROUP hGroup, HNODE hdestinationnode, DWORD dwonlineflags, const BYTE *lpinbuffer,
    DWORD cbinbuffersize);
DWORD WINAPI OnlineClusterGroupEx2(HGROUP hGroup, HNODE hdestinationnode, DWORD dwonlineflags, const BYTE *lpinbuffer,
    DWORD cbinbuffersize, LPCWSTR lpszreason);
DWORD WINAPI OnlineClusterResource(HRESOURCE hResource);
DWORD WINAPI OnlineClusterResourceEx(HRESOURCE hResource, DWORD dwonlineflags, const BYTE *lpinbuffer, DWORD
    cbinbuffersize);
DWORD WINAPI OnlineClusterResourceEx2(HRESOURCE hResource, DWORD dwonlineflags, const BYTE *lpinbuffer, DWORD
    cbinbuffersize, LPCWSTR lpszreason);
HCLUSTER WINAPI OpenCluster(LPCWSTR lpszclustername);
HCLUSTER WINAPI OpenClusterEx(LPCWSTR lpszclustername, DWORD desiredaccess, LPDWORD grantedaccess);
HGROUP WINAPI OpenClusterGroup(HCLUSTER hCluster, LPCWSTR lpszgroupname);
HGROUP WINAPI OpenClusterGroupEx(HCLUSTER hCluster, LPCWSTR lpszgroupname, DWORD dwdesiredaccess, LPDWORD
    lpdwgrantedaccess);
HGROUPSET WINAPI OpenClusterGroupSet(HCLUSTER hCluster, LPCWSTR lpszgroupsetname);
HNETINTERFACE WINAPI OpenClusterNetInterface(HCLUSTER hCluster, LPCWSTR lpszinterfacename);
HNETINTERFACE WINAPI OpenClusterNetInterfaceEx(HCLUSTER hCluster, LPCWSTR lpszinterfacename, DWORD dwdesiredaccess,
    LPDWORD lpdwgrantedaccess);
HNETWORK WINAPI OpenClusterNetwork(HCLUSTER hCluster, LPCWSTR lpsznetworkname);
HNETWORK WINAPI OpenClusterNetworkEx(HCLUSTER hCluster, LPCWSTR lpsznetworkname, DWORD dwdesiredaccess, LPDWORD
    lpdwgrantedaccess);
HNODE WINAPI OpenClusterNode(HCLUSTER hCluster, LPCWSTR lpsznodename);
HNODE WINAPI OpenClusterNodeById(HCLUSTER hCluster, DWORD nodeid);
HNODE WINAPI OpenClusterNodeEx(HCLUSTER hCluster, LPCWSTR lpsznodename, DWORD dwdesiredaccess, LPDWORD
    lpdwgrantedaccess);
HRESOURCE WINAPI OpenClusterResource(HCLUSTER hCluster, LPCWSTR lpszresourcename);
HRESOURCE WINAPI OpenClusterResourceEx(HCLUSTER hCluster, LPCWSTR lpszresourcename, DWORD dwdesiredaccess, LPDWORD
    lpdwgrantedaccess);
DWORD WINAPI PauseClusterNode(HNODE hNode);
DWORD WINAPI PauseClusterNodeEx(HNODE hNode, BOOL bdrainnode, DWORD dwpauseflags, HNODE hnodedraintarget);
DWORD WINAPI PauseClusterNodeEx2(HNODE hNode, BOOL bdrainnode, DWORD dwpauseflags, HNODE hnodedraintarget, LPCWSTR
    lpszreason);
DWORD WINAPI RemoveClusterGroupDependency(HGROUP hGroup, HGROUP hdependson);
DWORD WINAPI RemoveClusterGroupDependencyEx(HGROUP hGroup, HGROUP hdependson, LPCWSTR lpszreason);
DWORD WINAPI RemoveClusterGroupSetDependency(HGROUPSET hGroupSet, HGROUPSET hdependson);
DWORD WINAPI RemoveClusterGroupSetDependencyEx(HGROUPSET hGroupSet, HGROUPSET hdependson, LPCWSTR lpszreason);
DWORD WINAPI RemoveClusterGroupToGroupSetDependency(HGROUP hGroup, HGROUPSET hdependson);
DWORD WINAPI RemoveClusterGroupToGroupSetDependencyEx(HGROUP hGroup, HGROUPSET hdependson, LPCWSTR lpszreason);
DWORD WINAPI RemoveClusterNameAccount(HCLUSTER hCluster, BOOL bdeletecomputerobjects);
DWORD WINAPI RemoveClusterResourceDependency(HRESOURCE hResource, HRESOURCE hdependson);
DWORD WINAPI RemoveClusterResourceDependencyEx(HRESOURCE hResource, HRESOURCE hdependson, LPCWSTR lpszreason);
DWORD WINAPI RemoveClusterResourceNode(HRESOURCE hResource, HNODE hNode);
DWORD WINAPI RemoveClusterResourceNodeEx(HRESOURCE hResource, HNODE hNode, LPCWSTR lpszreason);
DWORD WINAPI RemoveClusterStorageNode(HCLUSTER hCluster, LPCWSTR lpszclusterstorageenclosurename, DWORD dwtimeout,
    DWORD dwflags);
DWORD WINAPI RemoveCrossClusterGroupSetDependency(HGROUPSET hdependentgroupset, LPCWSTR lpremoteclustername, LPCWSTR
    lpremotegroupsetname);
DWORD WINAPI RemoveResourceFromClusterSharedVolumes(HRESOURCE hResource);
DWORD WINAPI RestartClusterResource(HRESOURCE hResource, DWORD dwflags);
DWORD WINAPI RestartClusterResourceEx(HRESOURCE hResource, DWORD dwflags, LPCWSTR lpszreason);
DWORD WINAPI RestoreClusterDatabase(LPCWSTR lpszpathname, BOOL bforce, LPCWSTR lpszquorumdriveletter);
DWORD WINAPI ResumeClusterNode(HNODE hNode);
DWORD WINAPI ResumeClusterNodeEx(HNODE hNode, CLUSTER_NODE_RESUME_FAILBACK_TYPE eresumefailbacktype, DWORD
    dwresumeflagsreserved);
DWORD WINAPI ResumeClusterNodeEx2(HNODE hNode, CLUSTER_NODE_RESUME_FAILBACK_TYPE eresumefailbacktype, DWORD
    dwresumeflagsreserved, LPCWSTR lpszreason);
DWORD WINAPI SetClusterGroupName(HGROUP hGroup, LPCWSTR lpszgroupname);
DWORD WINAPI SetClusterGroupNameEx(HGROUP hGroup, LPCWSTR lpszgroupname, LPCWSTR lpszreason);
DWORD WINAPI SetClusterGroupNodeList(HGROUP hGroup, DWORD nodecount, const HNODE *nodelist);
DWORD WINAPI SetClusterGroupNodeListEx(HGROUP hGroup, DWORD nodecount, const HNODE *nodelist, LPCWSTR lpszreason);
DWORD WINAPI SetClusterGroupSetDependencyExpression(HGROUPSET hGroupSet, LPCWSTR lpszdependencyexprssion);
DWORD WINAPI SetClusterGroupSetDependencyExpressionEx(HGROUPSET hGroupSet, LPCWSTR lpszdependencyexpression, LPCWSTR
    lpszreason);
DWORD WINAPI SetClusterName(HCLUSTER hCluster, LPCWSTR lpsznewclustername);
DWORD WINAPI SetClusterNameEx(HCLUSTER hCluster, LPCWSTR lpsznewclustername, LPCWSTR lpszreason);
DWORD WINAPI SetClusterNetworkName(HNETWORK hNetwork, LPCWSTR lpszname);
DWORD WINAPI SetClusterNetworkNameEx(HNETWORK hNetwork, LPCWSTR lpszname, LPCWSTR lpszreason);
DWORD WINAPI SetClusterNetworkPriorityOrder(HCLUSTER hCluster, DWORD networkcount, const HNETWORK *networklist);
DWORD WINAPI SetClusterQuorumResource(HRESOURCE hResource, LPCWSTR lpszdevicename, DWORD dwmaxquologsize);
DWORD WINAPI SetClusterQuorumResourceEx(HRESOURCE hResource, LPCWSTR lpszdevicename, DWORD dwmaxquorumlogsize, LPCWSTR
    lpszreason);
DWORD WINAPI SetClusterResourceDependencyExpression(HRESOURCE hResource, LPCWSTR lpszdependencyexpression);
DWORD WINAPI SetClusterResourceName(HRESOURCE hResource, LPCWSTR lpszresourcename);
DWORD WINAPI SetClusterResourceNameEx(HRESOURCE hResource, LPCWSTR lpszresourcename, LPCWSTR lpszreason);
DWORD WINAPI SetClusterServiceAccountPassword(LPCWSTR lpszclustername, LPCWSTR lpsznewpassword, DWORD dwflags,
    CLUSTER_SET_PASSWORD_STATUS *lpreturnstatusbuffer, LPDWORD lpcbreturnstatusbuffersize);
DWORD WINAPI SetGroupDependencyExpression(HGROUP hGroup, LPCWSTR lpszdependencyexpression);
DWORD WINAPI SetGroupDependencyExpressionEx(HGROUP hGroup, LPCWSTR lpszdependencyexpression, LPCWSTR lpszreason);

#ifdef __cplusplus
}
#endif

#endif
