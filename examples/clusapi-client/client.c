/* A client of the cluster API: lists a cluster and drives it, with nothing but the functions of clusapi.
 *
 *     cc -std=c11 -I resapi-sys-mock/include examples/clusapi-client/client.c -L target/debug -lclusapi -o client
 *
 * Run it with LD_LIBRARY_PATH=target/debug, while a lab runs (cluster demo), or with CLUSTER_ENDPOINT set to an address:
 *
 *     client list                       nodes, groups with their resources, resource types
 *     client online GROUP               brings a group on line, and waits until it is there
 *     client offline GROUP              takes it off line
 *     client move GROUP NODE            moves it
 *     client properties RESOURCE        common and private properties
 *     client set RESOURCE NAME TEXT     sets a private property
 *     client create GROUP               makes a group; delete GROUP removes it with its resources
 *     client watch SECONDS              tells what happens, by a notification port
 *
 * The same source compiles against the headers of Windows; there, link clusapi.lib. */
#include "clusapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 512
#define MAX_LIST 65536

/* UTF-8 and UTF-16: names here are plain text of the basic plane. */
static LPCWSTR wide(const char *text) {
    static WCHAR rows[4][MAX_NAME];
    static int row;
    WCHAR *out = rows[row++ % 4];
    size_t at = 0;
    const unsigned char *in = (const unsigned char *)text;
    while (*in && at + 1 < MAX_NAME) {
        if (*in < 0x80) {
            out[at++] = *in++;
        } else if (*in < 0xE0 && in[1]) {
            out[at++] = (WCHAR)((in[0] & 0x1F) << 6 | (in[1] & 0x3F));
            in += 2;
        } else if (in[1] && in[2]) {
            out[at++] = (WCHAR)((in[0] & 0x0F) << 12 | (in[1] & 0x3F) << 6 | (in[2] & 0x3F));
            in += 3;
        } else {
            break;
        }
    }
    out[at] = 0;
    return out;
}

static void print(LPCWSTR text) {
    for (; *text; text++) {
        unsigned unit = *text;
        if (unit < 0x80) {
            putchar((int)unit);
        } else if (unit < 0x800) {
            putchar((int)(0xC0 | unit >> 6));
            putchar((int)(0x80 | (unit & 0x3F)));
        } else {
            putchar((int)(0xE0 | unit >> 12));
            putchar((int)(0x80 | (unit >> 6 & 0x3F)));
            putchar((int)(0x80 | (unit & 0x3F)));
        }
    }
}

static int failed(const char *what, DWORD code) {
    fprintf(stderr, "%s: error %u\n", what, (unsigned)code);
    return 1;
}

static const char *group_word(CLUSTER_GROUP_STATE state) {
    switch (state) {
    case ClusterGroupOnline: return "Online";
    case ClusterGroupOffline: return "Offline";
    case ClusterGroupFailed: return "Failed";
    case ClusterGroupPartialOnline: return "PartialOnline";
    case ClusterGroupPending: return "Pending";
    case ClusterGroupStateUnknown: break;
    }
    return "Unknown";
}

static const char *resource_word(CLUSTER_RESOURCE_STATE state) {
    switch ((int)state) {
    case ClusterResourceOnline: return "Online";
    case ClusterResourceOffline: return "Offline";
    case ClusterResourceFailed: return "Failed";
    case ClusterResourceOnlinePending: return "OnlinePending";
    case ClusterResourceOfflinePending: return "OfflinePending";
    default: return "Unknown";
    }
}

static const char *node_word(CLUSTER_NODE_STATE state) {
    switch (state) {
    case ClusterNodeUp: return "Up";
    case ClusterNodeDown: return "Down";
    case ClusterNodePaused: return "Paused";
    case ClusterNodeJoining: return "Joining";
    case ClusterNodeStateUnknown: break;
    }
    return "Unknown";
}

static void list_resources(HCLUSTER cluster, HGROUP group) {
    HGROUPENUM listing = ClusterGroupOpenEnum(group, CLUSTER_GROUP_ENUM_CONTAINS);
    if (!listing) return;
    for (DWORD index = 0;; index++) {
        WCHAR name[MAX_NAME];
        DWORD units = MAX_NAME, kind;
        if (ClusterGroupEnum(listing, index, &kind, name, &units) != ERROR_SUCCESS) break;
        HRESOURCE resource = OpenClusterResource(cluster, name);
        if (!resource) continue;
        printf("    resource ");
        print(name);
        printf(" %s\n", resource_word(GetClusterResourceState(resource, NULL, NULL, NULL, NULL)));
        CloseClusterResource(resource);
    }
    ClusterGroupCloseEnum(listing);
}

static int list(HCLUSTER cluster) {
    WCHAR name[MAX_NAME];
    DWORD units = MAX_NAME;
    CLUSTERVERSIONINFO version;
    memset(&version, 0, sizeof version);
    version.dwVersionInfoSize = sizeof version;
    DWORD code = GetClusterInformation(cluster, name, &units, &version);
    if (code != ERROR_SUCCESS) return failed("GetClusterInformation", code);
    printf("cluster ");
    print(name);
    printf(" (");
    print(version.szVendorId);
    printf(")\n");
    HCLUSENUM listing = ClusterOpenEnum(cluster, CLUSTER_ENUM_NODE | CLUSTER_ENUM_GROUP | CLUSTER_ENUM_RESTYPE);
    if (!listing) return failed("ClusterOpenEnum", GetLastError());
    for (DWORD index = 0;; index++) {
        DWORD kind;
        units = MAX_NAME;
        code = ClusterEnum(listing, index, &kind, name, &units);
        if (code != ERROR_SUCCESS) break;
        if (kind == CLUSTER_ENUM_NODE) {
            HNODE node = OpenClusterNode(cluster, name);
            if (!node) continue;
            printf("  node ");
            print(name);
            printf(" %s\n", node_word(GetClusterNodeState(node)));
            CloseClusterNode(node);
        } else if (kind == CLUSTER_ENUM_GROUP) {
            WCHAR owner[MAX_NAME];
            DWORD owner_units = MAX_NAME;
            HGROUP group = OpenClusterGroup(cluster, name);
            if (!group) continue;
            CLUSTER_GROUP_STATE state = GetClusterGroupState(group, owner, &owner_units);
            printf("  group ");
            print(name);
            printf(" %s on ", group_word(state));
            print(owner);
            printf("\n");
            list_resources(cluster, group);
            CloseClusterGroup(group);
        } else {
            printf("  type ");
            print(name);
            printf("\n");
        }
    }
    ClusterCloseEnum(listing);
    return code == ERROR_NO_MORE_ITEMS ? 0 : failed("ClusterEnum", code);
}

/* Waits by a notification port until the group is where it should be. */
static int wait_for(HCLUSTER cluster, HGROUP group, HCHANGE port, CLUSTER_GROUP_STATE wanted) {
    (void)cluster;
    for (int round = 0; round < 60; round++) {
        CLUSTER_GROUP_STATE state = GetClusterGroupState(group, NULL, NULL);
        if (state == wanted || state == ClusterGroupFailed) {
            printf("%s\n", group_word(state));
            return state == wanted ? 0 : 1;
        }
        DWORD_PTR key;
        DWORD filter;
        DWORD code = GetClusterNotify(port, &key, &filter, NULL, NULL, 1000);
        if (code != ERROR_SUCCESS && code != WAIT_TIMEOUT) return failed("GetClusterNotify", code);
    }
    return failed("the group does not come to rest", WAIT_TIMEOUT);
}

static int drive(HCLUSTER cluster, int count, char **words) {
    HGROUP group = OpenClusterGroup(cluster, wide(words[1]));
    if (!group) return failed("OpenClusterGroup", GetLastError());
    HCHANGE port = CreateClusterNotifyPort((HCHANGE)INVALID_HANDLE_VALUE, cluster, CLUSTER_CHANGE_GROUP_STATE, 1);
    if (!port) return failed("CreateClusterNotifyPort", GetLastError());
    CLUSTER_GROUP_STATE before = GetClusterGroupState(group, NULL, NULL), wanted = before;
    DWORD code;
    if (strcmp(words[0], "online") == 0) {
        code = OnlineClusterGroup(group, NULL);
        wanted = ClusterGroupOnline;
    } else if (strcmp(words[0], "offline") == 0) {
        code = OfflineClusterGroup(group);
        wanted = ClusterGroupOffline;
    } else {
        HNODE node = count > 2 ? OpenClusterNode(cluster, wide(words[2])) : NULL;
        if (count > 2 && !node) return failed("OpenClusterNode", GetLastError());
        code = MoveClusterGroup(group, node);
        if (node) CloseClusterNode(node);
    }
    int result = code == ERROR_SUCCESS || code == ERROR_IO_PENDING ? wait_for(cluster, group, port, wanted)
                                                                   : failed(words[0], code);
    CloseClusterNotifyPort(port);
    CloseClusterGroup(group);
    return result;
}

/* Prints a property list. It may be malformed; nothing is read beyond its end. */
static void print_list(const BYTE *list, DWORD size) {
    DWORD at = 4;
    LPCWSTR name = NULL;
    while (at + 4 <= size) {
        DWORD syntax, length;
        memcpy(&syntax, list + at, 4);
        if (syntax == CLUSPROP_SYNTAX_ENDMARK) {
            at += 4;
            continue;
        }
        if (at + 8 > size) return;
        memcpy(&length, list + at + 4, 4);
        if (length > size - at - 8) return;
        const BYTE *data = list + at + 8;
        if (syntax == CLUSPROP_SYNTAX_NAME) {
            name = (LPCWSTR)(const void *)data;
        } else if (name) {
            printf("  ");
            print(name);
            printf(" = ");
            if (syntax == CLUSPROP_SYNTAX_LIST_VALUE_DWORD && length == 4) {
                DWORD number;
                memcpy(&number, data, 4);
                printf("%u", (unsigned)number);
            } else if ((syntax & 0xFFFF) == 3 || (syntax & 0xFFFF) == 4) {
                print((LPCWSTR)(const void *)data);
            } else {
                printf("(%u bytes)", (unsigned)length);
            }
            printf("\n");
        }
        at += 8 + ((length + 3) & ~3u);
    }
}

static int properties(HCLUSTER cluster, const char *which) {
    HRESOURCE resource = OpenClusterResource(cluster, wide(which));
    if (!resource) return failed("OpenClusterResource", GetLastError());
    const DWORD codes[] = {CLUSCTL_RESOURCE_GET_RO_COMMON_PROPERTIES, CLUSCTL_RESOURCE_GET_COMMON_PROPERTIES,
        CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES};
    BYTE *list = LocalAlloc(LMEM_FIXED, MAX_LIST);
    int result = 0;
    for (int index = 0; index < 3 && list; index++) {
        DWORD returned = 0;
        DWORD code = ClusterResourceControl(resource, NULL, codes[index], NULL, 0, list, MAX_LIST, &returned);
        if (code != ERROR_SUCCESS) {
            result = failed("ClusterResourceControl", code);
            break;
        }
        print_list(list, returned);
    }
    LocalFree(list);
    CloseClusterResource(resource);
    return result;
}

/* A property list with one text. */
static DWORD text_list(BYTE *list, LPCWSTR name, LPCWSTR text) {
    DWORD at = 0, word = 1;
    memcpy(list, &word, 4);
    at = 4;
    for (int part = 0; part < 2; part++) {
        LPCWSTR from = part == 0 ? name : text;
        DWORD syntax = part == 0 ? CLUSPROP_SYNTAX_NAME : CLUSPROP_SYNTAX_LIST_VALUE_SZ, units = 0;
        while (from[units]) units++;
        DWORD length = (units + 1) * 2;
        memcpy(list + at, &syntax, 4);
        memcpy(list + at + 4, &length, 4);
        memset(list + at + 8, 0, length + 2);
        memcpy(list + at + 8, from, length);
        at += 8 + ((length + 3) & ~3u);
    }
    word = CLUSPROP_SYNTAX_ENDMARK;
    memcpy(list + at, &word, 4);
    return at + 4;
}

static int set(HCLUSTER cluster, char **words) {
    static BYTE list[4 * MAX_NAME + 64];
    HRESOURCE resource = OpenClusterResource(cluster, wide(words[1]));
    if (!resource) return failed("OpenClusterResource", GetLastError());
    DWORD size = text_list(list, wide(words[2]), wide(words[3]));
    DWORD code = ClusterResourceControl(
        resource, NULL, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, list, size, NULL, 0, NULL);
    CloseClusterResource(resource);
    if (code == ERROR_RESOURCE_PROPERTIES_STORED) printf("stored; used when it comes online the next time\n");
    return code == ERROR_SUCCESS || code == ERROR_RESOURCE_PROPERTIES_STORED ? 0 : failed("set", code);
}

static int create_or_delete(HCLUSTER cluster, char **words) {
    HGROUP group = strcmp(words[0], "create") == 0 ? CreateClusterGroup(cluster, wide(words[1]))
                                                   : OpenClusterGroup(cluster, wide(words[1]));
    if (!group) return failed(words[0], GetLastError());
    DWORD code = strcmp(words[0], "create") == 0 ? ERROR_SUCCESS : DestroyClusterGroup(group);
    CloseClusterGroup(group);
    return code == ERROR_SUCCESS || code == ERROR_IO_PENDING ? 0 : failed(words[0], code);
}

static int watch(HCLUSTER cluster, int seconds) {
    const DWORD filter = CLUSTER_CHANGE_NODE_STATE | CLUSTER_CHANGE_GROUP_STATE | CLUSTER_CHANGE_RESOURCE_STATE |
                         CLUSTER_CHANGE_GROUP_ADDED | CLUSTER_CHANGE_GROUP_DELETED | CLUSTER_CHANGE_RESOURCE_ADDED |
                         CLUSTER_CHANGE_RESOURCE_DELETED;
    HCHANGE port = CreateClusterNotifyPort((HCHANGE)INVALID_HANDLE_VALUE, cluster, filter, 7);
    if (!port) return failed("CreateClusterNotifyPort", GetLastError());
    printf("watching\n");
    fflush(stdout);
    for (int quiet = 0; quiet < seconds;) {
        WCHAR name[MAX_NAME];
        DWORD_PTR key;
        DWORD what, units = MAX_NAME;
        DWORD code = GetClusterNotify(port, &key, &what, name, &units, 1000);
        if (code == WAIT_TIMEOUT) {
            quiet++;
            continue;
        }
        if (code != ERROR_SUCCESS) return failed("GetClusterNotify", code);
        printf("change 0x%x ", (unsigned)what);
        print(name);
        printf("\n");
        fflush(stdout);
    }
    CloseClusterNotifyPort(port);
    return 0;
}

int main(int count, char **arguments) {
    count--;
    char **words = arguments + 1;
    const char *verb = count > 0 ? words[0] : "list";
    HCLUSTER cluster = OpenCluster(NULL);
    if (!cluster) return failed("OpenCluster", GetLastError());
    int result = 2;
    if (strcmp(verb, "list") == 0) {
        result = list(cluster);
    } else if (count > 1 && (!strcmp(verb, "online") || !strcmp(verb, "offline") || !strcmp(verb, "move"))) {
        result = drive(cluster, count, words);
    } else if (count > 1 && strcmp(verb, "properties") == 0) {
        result = properties(cluster, words[1]);
    } else if (count > 3 && strcmp(verb, "set") == 0) {
        result = set(cluster, words);
    } else if (count > 1 && (!strcmp(verb, "create") || !strcmp(verb, "delete"))) {
        result = create_or_delete(cluster, words);
    } else if (count > 1 && strcmp(verb, "watch") == 0) {
        result = watch(cluster, atoi(words[1]));
    } else {
        fprintf(stderr, "usage: client list | online GROUP | offline GROUP | move GROUP [NODE] | properties RESOURCE |\n"
                        "              set RESOURCE NAME TEXT | create GROUP | delete GROUP | watch SECONDS\n");
    }
    CloseCluster(cluster);
    return result;
}
