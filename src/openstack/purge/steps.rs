//! How one thing is deleted.

use serde_json::{Value, json};

use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};
use crate::openstack::inventory::Views;
use crate::openstack::inventory::look::Item;

/// Whether it goes with something else, and can't be deleted for itself.
pub(super) fn goes_by_itself(item: &Item) -> bool {
    let owner = item.raw["device_owner"].as_str().unwrap_or_default();
    // Ports of routers are removed through the router, those of DHCP with the network.
    item.kind == "port" && owner.starts_with("network:")
}

/// Asks the service to delete it. That it is gone already is fine.
pub(super) async fn delete(cloud: &Cloud, views: &Views<'_>, item: &Item) -> Result<()> {
    // A 404 that doesn't name it may be about something else: Cinder says so if its backup service doesn't run.
    let gone = |result: Result<()>| match result {
        Err(why) if why.is_not_found_of(&item.id) => Ok(()),
        other => other,
    };
    match item.kind {
        "container" => empty_container(cloud, views, item).await,
        "router" => {
            gone(detach_router(cloud, item).await)?;
            gone(send(cloud, item, "/routers/{id}").await)
        }
        // Only a token of the project sees these two.
        "stack" => {
            let call = Call::delete(item.service, "/stacks/{name}/{id}").id(&item.name).id(&item.id);
            let own = views.own().await?.unwrap_or(cloud);
            gone(own.send(call.doing(doing(item))).await.map(drop))
        }
        "secret" => {
            let own = views.own().await?.unwrap_or(cloud);
            gone(send(own, item, "/secrets/{id}").await)
        }
        "zone" => {
            let call = Call::delete(item.service, "/zones/{id}")
                .id(&item.id)
                .header("x-auth-sudo-project-id", views.project_id)
                .doing(doing(item));
            gone(cloud.send(call).await.map(drop))
        }
        "load balancer" => {
            let call = Call::delete(item.service, "/lbaas/loadbalancers/{id}")
                .id(&item.id)
                .query("cascade", "true")
                .doing(doing(item));
            gone(cloud.send(call).await.map(drop))
        }
        "volume" => {
            let call = Call::delete(item.service, "/volumes/{id}").id(&item.id).query("cascade", "true");
            gone(cloud.send(call.doing(doing(item))).await.map(drop))
        }
        kind => {
            let route = match kind {
                "server" => "/servers/{id}",
                "floating IP" => "/floatingips/{id}",
                "port" => "/ports/{id}",
                "subnet" => "/subnets/{id}",
                "network" => "/networks/{id}",
                "security group" => "/security-groups/{id}",
                "volume snapshot" | "share snapshot" => "/snapshots/{id}",
                "volume backup" => "/backups/{id}",
                "image" => "/images/{id}",
                "share" => "/shares/{id}",
                "share network" => "/share-networks/{id}",
                other => {
                    let what = format!("how a {other} is deleted");
                    return Err(Error::Unseen { what, why: "nobody taught this provider".into() });
                }
            };
            gone(send(cloud, item, route).await)
        }
    }
}

fn doing(item: &Item) -> String {
    format!("delete {}", item.clone().holding())
}

async fn send(cloud: &Cloud, item: &Item, route: &'static str) -> Result<()> {
    cloud.send(Call::delete(item.service, route).id(&item.id).doing(doing(item))).await.map(drop)
}

/// Takes gateway, routes and interfaces from a router: it can't be deleted with them.
async fn detach_router(cloud: &Cloud, router: &Item) -> Result<()> {
    let has_gateway = !router.raw["external_gateway_info"].is_null();
    let has_routes = router.raw["routes"].as_array().is_some_and(|it| !it.is_empty());
    if has_gateway || has_routes {
        let body = json!({"router": {"external_gateway_info": {}, "routes": []}});
        let call = Call::put(Service::Network, "/routers/{id}").id(&router.id).body(body);
        cloud.send(call.doing(format!("detach router {}", router.id))).await?;
    }
    let call = Call::get(Service::Network, "/ports")
        .query("device_id", router.id.as_str())
        .doing(format!("list the interfaces of router {}", router.id));
    let ports: Value = cloud.fetch(call).await?;
    for port in ports["ports"].as_array().into_iter().flatten() {
        let owner = port["device_owner"].as_str().unwrap_or_default();
        // `network:router_interface`, and those of distributed and highly available routers.
        let is_interface = owner.starts_with("network:router_interface")
            || owner == "network:ha_router_replicated_interface";
        if let (true, Some(id)) = (is_interface, port["id"].as_str()) {
            let call = Call::put(Service::Network, "/routers/{id}/remove_router_interface")
                .id(&router.id)
                .body(json!({"port_id": id}))
                .doing(format!("remove interface {id} from router {}", router.id));
            match cloud.send(call).await {
                Err(why) if why.is_native_404() => {}
                other => drop(other?),
            }
        }
    }
    Ok(())
}

/// Deletes a container's objects, then the container.
async fn empty_container(cloud: &Cloud, views: &Views<'_>, item: &Item) -> Result<()> {
    let project_id = views.project_id;
    // Whoever may list the account may also change it: the token that works is found by trying.
    let view = match &views.wide {
        Some(wide) => {
            let call = Call::get(item.service, "/{container}").id(&item.id).query("limit", "1");
            match wide.send_to_account(call, project_id).await {
                Err(why) if why.is_forbidden() || matches!(why, Error::Unseen { .. }) => {
                    views.own().await?.unwrap_or(wide)
                }
                _ => wide,
            }
        }
        None => cloud,
    };
    loop {
        let call = Call::get(item.service, "/{container}")
            .id(&item.id)
            .query("format", "json")
            .doing(format!("list the objects of container {}", item.id));
        let reply = match view.send_to_account(call, project_id).await {
            Err(Error::Status(it)) if it.status == 404 => return Ok(()),
            other => other?,
        };
        let objects: Vec<Value> = reply.json()?;
        if objects.is_empty() {
            break;
        }
        for name in objects.iter().filter_map(|it| it["name"].as_str()) {
            let call = Call::delete(item.service, "/{container}/{object}")
                .id(&item.id)
                .id(name)
                .doing(format!("delete object {name} of container {}", item.id));
            match view.send_to_account(call, project_id).await {
                Err(Error::Status(it)) if it.status == 404 => {}
                other => drop(other?),
            }
        }
    }
    let call = Call::delete(item.service, "/{container}").id(&item.id).doing(doing(item));
    match view.send_to_account(call, project_id).await {
        Err(Error::Status(it)) if it.status == 404 => Ok(()),
        other => other.map(drop),
    }
}
