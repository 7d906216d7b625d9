//! Sets of groups, dependencies between groups and sets, and affinity rules: configuration of the cluster registry.
//!
//! They stand in the registry below `GroupSets` and `AffinityRules`, and in the keys of groups as `ProviderGroups`
//! (reference 03.6 and 06.2; the layout of the real registry is not documented). Groups start in the order that dependencies
//! and sets say; affinity rules can be made, listed, changed and asked for, but groups are not placed by them.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{get, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, Id, Kind, Object, RegCommand, RegValue, Relation, Told};
use resapi_sys_mock::wide;

use crate::handles::{self, Member};
use crate::node::open;
use crate::registry::change;

/// Value with the ids of a set's or rule's groups.
const GROUPS: &str = "Groups";
/// Value with the ids of what a group or set depends on.
const PROVIDERS: &str = "ProviderGroups";
/// The greatest CLUS_AFFINITY_RULE_TYPE: different node.
const MAX_RULE_TYPE: i32 = 4;

exports! {
    EXPORTS;

    fn CreateClusterGroupSet(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        create_set(cluster, text(name)?, &[])
    }

    notes "fault domains and update domains are kept and listed; nothing is placed by them"
    fn CreateClusterAvailabilitySet(
        cluster: HCLUSTER, name: LPCWSTR, config: *const CLUSTER_AVAILABILITY_SET_CONFIG
    ) -> Handle {
        let (name, config) = (text(name)?, get(config)?);
        let numbers = [
            ("UpdateDomains", config.dwUpdateDomains),
            ("FaultDomains", config.dwFaultDomains),
            ("ReserveSpareNode", u32::from(config.bReserveSpareNode != 0)),
        ];
        create_set(cluster, name, &numbers)
    }

    fn OpenClusterGroupSet(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        open(cluster, Kind::GroupSet, text(name)?)
    }

    fn CloseClusterGroupSet(set: HGROUPSET) -> Truth {
        handles::close(set, Kind::GroupSet)
    }

    fn DeleteClusterGroupSet(set: HGROUPSET) -> Code {
        delete_set(set)
    }

    fn DeleteClusterGroupSetEx(set: HGROUPSET, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        delete_set(set)
    }

    fn ClusterAddGroupToGroupSet(set: HGROUPSET, group: HGROUP) -> Code {
        add_to_set(set, group, None)
    }

    notes "fault domains and update domains are kept and listed; nothing is placed by them"
    fn ClusterAddGroupToGroupSetWithDomains(set: HGROUPSET, group: HGROUP, fault: DWORD, update: DWORD) -> Code {
        add_to_set(set, group, Some((fault, update)))
    }

    notes "fault domains and update domains are kept and listed; nothing is placed by them"
    fn ClusterAddGroupToGroupSetWithDomainsEx(
        set: HGROUPSET, group: HGROUP, fault: DWORD, update: DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        add_to_set(set, group, Some((fault, update)))
    }

    fn ClusterRemoveGroupFromGroupSet(group: HGROUP) -> Code {
        remove_from_set(group)
    }

    fn ClusterRemoveGroupFromGroupSetEx(group: HGROUP, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        remove_from_set(group)
    }

    fn AddClusterGroupDependency(group: HGROUP, provider: HGROUP) -> Code {
        depend(group, Kind::Group, provider, Kind::Group, true)
    }

    fn AddClusterGroupDependencyEx(group: HGROUP, provider: HGROUP, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        depend(group, Kind::Group, provider, Kind::Group, true)
    }

    fn RemoveClusterGroupDependency(group: HGROUP, provider: HGROUP) -> Code {
        depend(group, Kind::Group, provider, Kind::Group, false)
    }

    fn RemoveClusterGroupDependencyEx(group: HGROUP, provider: HGROUP, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        depend(group, Kind::Group, provider, Kind::Group, false)
    }

    fn AddClusterGroupSetDependency(set: HGROUPSET, provider: HGROUPSET) -> Code {
        depend(set, Kind::GroupSet, provider, Kind::GroupSet, true)
    }

    fn AddClusterGroupSetDependencyEx(set: HGROUPSET, provider: HGROUPSET, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        depend(set, Kind::GroupSet, provider, Kind::GroupSet, true)
    }

    fn RemoveClusterGroupSetDependency(set: HGROUPSET, provider: HGROUPSET) -> Code {
        depend(set, Kind::GroupSet, provider, Kind::GroupSet, false)
    }

    fn RemoveClusterGroupSetDependencyEx(set: HGROUPSET, provider: HGROUPSET, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        depend(set, Kind::GroupSet, provider, Kind::GroupSet, false)
    }

    fn AddClusterGroupToGroupSetDependency(group: HGROUP, provider: HGROUPSET) -> Code {
        depend(group, Kind::Group, provider, Kind::GroupSet, true)
    }

    fn AddClusterGroupToGroupSetDependencyEx(group: HGROUP, provider: HGROUPSET, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        depend(group, Kind::Group, provider, Kind::GroupSet, true)
    }

    fn RemoveClusterGroupToGroupSetDependency(group: HGROUP, provider: HGROUPSET) -> Code {
        depend(group, Kind::Group, provider, Kind::GroupSet, false)
    }

    fn RemoveClusterGroupToGroupSetDependencyEx(group: HGROUP, provider: HGROUPSET, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        depend(group, Kind::Group, provider, Kind::GroupSet, false)
    }

    notes "all that the expression names has to be there; alternatives (or) are not told apart"
    fn SetGroupDependencyExpression(group: HGROUP, expression: LPCWSTR) -> Code {
        set_expression(group, Kind::Group, &text_or_empty(expression))
    }

    notes "all that the expression names has to be there; alternatives (or) are not told apart"
    fn SetGroupDependencyExpressionEx(group: HGROUP, expression: LPCWSTR, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        set_expression(group, Kind::Group, &text_or_empty(expression))
    }

    notes "all that the expression names has to be there; alternatives (or) are not told apart"
    fn SetClusterGroupSetDependencyExpression(set: HGROUPSET, expression: LPCWSTR) -> Code {
        set_expression(set, Kind::GroupSet, &text_or_empty(expression))
    }

    notes "all that the expression names has to be there; alternatives (or) are not told apart"
    fn SetClusterGroupSetDependencyExpressionEx(set: HGROUPSET, expression: LPCWSTR, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        set_expression(set, Kind::GroupSet, &text_or_empty(expression))
    }
}

exports! {
    RULES;

    notes "kept in the registry, listed and told; the placement of groups does not follow it"
    fn ClusterCreateAffinityRule(cluster: HCLUSTER, name: LPCWSTR, kind: i32) -> Code {
        let (member, name) = (handles::cluster(cluster)?, text(name)?);
        if name.is_empty() || name.contains('\\') || !(0..=MAX_RULE_TYPE).contains(&kind) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        member.may_change()?;
        let key = format!("AffinityRules\\{name}");
        let commands = vec![
            command(18, &key, nothing()),
            command(2, &key, nothing()),
            command(1, "Name", sz(&name)),
            command(1, "RuleType", number(kind as u32)),
            command(1, GROUPS, list(&[])),
        ];
        change(&member.session, String::new(), commands).map_err(exists)
    }

    fn ClusterRemoveAffinityRule(cluster: HCLUSTER, name: LPCWSTR) -> Code {
        let (member, rule) = rule(cluster, text(name)?)?;
        change(&member.session, String::new(), vec![command(3, &rule.key, nothing())])
    }

    notes "kept in the registry, listed and told; the placement of groups does not follow it"
    fn ClusterAddGroupToAffinityRule(cluster: HCLUSTER, name: LPCWSTR, group: HGROUP) -> Code {
        let (member, rule) = rule(cluster, text(name)?)?;
        let group = handles::object(group, Kind::Group)?.look()?.id.id;
        let mut groups = read_list(&member, &rule.key, GROUPS)?;
        if groups.contains(&group) {
            return Err(ERROR_OBJECT_IN_LIST);
        }
        groups.push(group);
        write_list(&member, &rule.key, GROUPS, &groups)
    }

    fn ClusterRemoveGroupFromAffinityRule(cluster: HCLUSTER, name: LPCWSTR, group: HGROUP) -> Code {
        let (member, rule) = rule(cluster, text(name)?)?;
        let group = handles::object(group, Kind::Group)?.id.id.clone();
        let mut groups = read_list(&member, &rule.key, GROUPS)?;
        if !groups.contains(&group) {
            return Err(ERROR_NOT_FOUND);
        }
        groups.retain(|other| *other != group);
        write_list(&member, &rule.key, GROUPS, &groups)
    }
}

fn create_set(cluster: HANDLE, name: String, numbers: &[(&str, u32)]) -> Result<HANDLE, u32> {
    let member = handles::cluster(cluster)?;
    member.may_change()?;
    if name.trim().is_empty() {
        return Err(ERROR_INVALID_NAME);
    }
    match member.find(Kind::GroupSet, name.clone()) {
        Ok(_) => return Err(ERROR_OBJECT_ALREADY_EXISTS),
        Err(ERROR_GROUPSET_NOT_FOUND) => {}
        Err(code) => return Err(code),
    }
    let id = Id::new(Kind::GroupSet, new_id());
    let key = format!("GroupSets\\{}", id.id);
    let mut commands = vec![command(2, &key, nothing()), command(1, "Name", sz(&name)), command(1, GROUPS, list(&[]))];
    commands.extend(numbers.iter().map(|(name, value)| command(1, name, number(*value))));
    change(&member.session, String::new(), commands)?;
    Ok(member.open(id))
}

/// Made of the random keys of two hashers: the standard library has no other dice.
fn new_id() -> String {
    let draw = || RandomState::new().build_hasher().finish();
    let hex = format!("{:016x}{:016x}", draw(), draw());
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

fn delete_set(set: HANDLE) -> Result<(), u32> {
    let member = handles::object(set, Kind::GroupSet)?;
    let found = member.look()?;
    member.may_change()?;
    change(&member.session, String::new(), vec![command(3, &found.key, nothing())])
}

fn add_to_set(set: HANDLE, group: HANDLE, domains: Option<(u32, u32)>) -> Result<(), u32> {
    let member = handles::object(set, Kind::GroupSet)?;
    let (found, group) = (member.look()?, handles::object(group, Kind::Group)?.look()?);
    member.may_change()?;
    // A group belongs to one set at most.
    if set_of(&member, &group.id.id)?.is_some() {
        return Err(ERROR_OBJECT_IN_LIST);
    }
    let mut groups = read_list(&member, &found.key, GROUPS)?;
    groups.push(group.id.id);
    let mut commands = vec![command(2, &found.key, nothing()), command(1, GROUPS, list(&groups))];
    if let Some((fault, update)) = domains {
        commands.push(command(2, &group.key, nothing()));
        commands.push(command(1, "FaultDomain", number(fault)));
        commands.push(command(1, "UpdateDomain", number(update)));
    }
    change(&member.session, String::new(), commands)
}

fn remove_from_set(group: HANDLE) -> Result<(), u32> {
    let member = handles::object(group, Kind::Group)?;
    let group = member.look()?;
    member.may_change()?;
    let set = set_of(&member, &group.id.id)?.ok_or(ERROR_GROUPSET_NOT_FOUND)?;
    let mut groups = read_list(&member, &set.key, GROUPS)?;
    groups.retain(|id| *id != group.id.id);
    write_list(&member, &set.key, GROUPS, &groups)
}

/// The set that a group belongs to.
fn set_of(member: &Member, group: &str) -> Result<Option<Object>, u32> {
    for set in objects(member.session.ask(&Ask::List(Kind::GroupSet))?)? {
        if read_list(member, &set.key, GROUPS)?.iter().any(|id| id == group) {
            return Ok(Some(set));
        }
    }
    Ok(None)
}

fn depend(dependent: HANDLE, kind: Kind, provider: HANDLE, provider_kind: Kind, adds: bool) -> Result<(), u32> {
    let member = handles::object(dependent, kind)?;
    let (dependent, provider) = (member.look()?, handles::object(provider, provider_kind)?.look()?);
    member.may_change()?;
    let mut providers = read_list(&member, &dependent.key, PROVIDERS)?;
    let is_there = providers.contains(&provider.id.id);
    match (adds, is_there) {
        (true, true) => return Err(ERROR_DEPENDENCY_ALREADY_EXISTS),
        (false, false) => return Err(ERROR_DEPENDENCY_NOT_FOUND),
        (true, false) => {
            if provider.id == dependent.id {
                return Err(ERROR_INVALID_PARAMETER);
            }
            if reaches(&member, &provider.id, &dependent.id)? {
                return Err(ERROR_CIRCULAR_DEPENDENCY);
            }
            providers.push(provider.id.id);
        }
        (false, true) => providers.retain(|id| *id != provider.id.id),
    }
    write_list(&member, &dependent.key, PROVIDERS, &providers)
}

/// Does `from` depend on `to`, directly or not?
fn reaches(member: &Member, from: &Id, to: &Id) -> Result<bool, u32> {
    let (mut seen, mut open) = (Vec::new(), vec![from.clone()]);
    while let Some(of) = open.pop() {
        if of == *to {
            return Ok(true);
        }
        let told = member.session.ask(&Ask::Related { of: of.clone(), relation: Relation::DependsOn })?;
        seen.push(of);
        open.extend(objects(told)?.into_iter().map(|object| object.id).filter(|id| !seen.contains(id)));
    }
    Ok(false)
}

/// Replaces all providers by what an expression names (reference 03.4).
fn set_expression(handle: HANDLE, kind: Kind, expression: &str) -> Result<(), u32> {
    let member = handles::object(handle, kind)?;
    let dependent = member.look()?;
    member.may_change()?;
    let mut providers = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find('[') {
        let end = rest[start..].find(']').ok_or(ERROR_INVALID_PARAMETER)? + start;
        let name = rest[start + 1..end].to_owned();
        let found = member.find(Kind::Group, name.clone()).or_else(|_| member.find(Kind::GroupSet, name))?;
        if found.id == dependent.id || providers.contains(&found.id.id) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        if reaches(&member, &found.id, &dependent.id)? {
            return Err(ERROR_CIRCULAR_DEPENDENCY);
        }
        providers.push(found.id.id);
        rest = &rest[end + 1..];
    }
    if providers.is_empty() && !expression.trim().is_empty() {
        return Err(ERROR_INVALID_PARAMETER);
    }
    write_list(&member, &dependent.key, PROVIDERS, &providers)
}

fn rule(cluster: HANDLE, name: String) -> Result<(std::sync::Arc<Member>, Object), u32> {
    let member = handles::cluster(cluster)?;
    let found = member.find(Kind::AffinityRule, name)?;
    member.may_change()?;
    Ok((member, found))
}

fn objects(told: Told) -> Result<Vec<Object>, u32> {
    match told {
        Told::Objects(objects) => Ok(objects),
        _ => Err(RPC_S_CALL_FAILED),
    }
}

fn read_list(member: &Member, key: &str, name: &str) -> Result<Vec<String>, u32> {
    match member.session.ask(&Ask::ReadValue { path: key.to_owned(), name: name.to_owned() }) {
        Ok(Told::Value(value)) => Ok(wide::list(&value.bytes).unwrap_or_default()),
        Ok(_) => Err(RPC_S_CALL_FAILED),
        Err(ERROR_FILE_NOT_FOUND) => Ok(Vec::new()),
        Err(code) => Err(code),
    }
}

fn write_list(member: &Member, key: &str, name: &str, ids: &[String]) -> Result<(), u32> {
    change(&member.session, key.to_owned(), vec![command(1, name, list(ids))])
}

/// A condition that failed means that the thing is there already.
fn exists(code: u32) -> u32 {
    if code == ERROR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED { ERROR_OBJECT_ALREADY_EXISTS } else { code }
}

fn command(command: u32, name: &str, value: RegValue) -> RegCommand {
    RegCommand { command, name: name.to_owned(), value }
}

fn nothing() -> RegValue {
    RegValue { kind: REG_NONE, bytes: Vec::new() }
}

fn sz(text: &str) -> RegValue {
    RegValue { kind: REG_SZ, bytes: wide::bytes(text) }
}

fn number(number: u32) -> RegValue {
    RegValue { kind: REG_DWORD, bytes: number.to_le_bytes().to_vec() }
}

fn list(ids: &[String]) -> RegValue {
    RegValue { kind: REG_MULTI_SZ, bytes: wide::list_bytes(ids.iter().map(String::as_str)) }
}
