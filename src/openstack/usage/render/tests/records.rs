//! Accounting records.

use super::*;

#[test]
fn cloud_records_of_all_states() {
    let mut running = server("vm-running", ("2026-09-30T23:00:01Z", None), "ACTIVE");
    running.resource_name = "näme\nStatus: completed".into();
    *details(&mut running) = Server {
        image_id: Some("img".into()),
        public_ips: 2,
        extra_specs: map([("accounting:benchmark_type", "HEPSPEC06"), ("accounting:benchmark_value", "9.5")]),
        ..details(&mut running).clone()
    };
    let mut ended = server("vm-ended", ("2026-10-01T00:00:01Z", Some("2026-10-01T01:00:00.7Z")), "DELETED");
    details(&mut ended).terminated_at = ended.ended_at;
    // It ran until after the window: in it, it is still there.
    let later = server("vm-ended-later", ("2026-10-31T23:59:01Z", Some("2026-11-01T00:00:01Z")), "DELETED");
    let stopped = server("vm-stopped", ("2026-10-31T23:59:01Z", None), "SHUTOFF");
    let mut unwritten = server("vm-end-unwritten", ("2026-10-01T00:00:01Z", None), "DELETED");
    details(&mut unwritten).updated_at = Some(at("2026-10-01T00:01:00Z"));
    let mut never_ran = server("vm-never-ran", ("2026-10-01T00:00:01Z", None), "ERROR");
    details(&mut never_ran).launched_at = None;
    never_ran.user_id = None;
    let mut of_no_vo = server("vm-of-no-vo", ("2026-10-01T00:00:01Z", None), "ACTIVE");
    of_no_vo.project_id = "lab".into();
    let report = report(vec![of_no_vo, running, ended, later, stopped, unwritten, never_ran]);
    // Nova's usage has it, and its lists have not.
    let mut bare = server("vm-unlisted", ("2026-10-31T23:00:00Z", None), "ACTIVE");
    bare.server = None;
    let mut report = report;
    report.samples.push(bare);
    let site = Site { benchmark: Some(("HEPscore23".into(), "12".into())), ..site() };
    expect![[r#"
        APEL-cloud-message: v0.4
        Benchmark: 9.5
        BenchmarkType: HEPSPEC06
        CloudComputeService: prague
        CloudType: OpenStack
        CpuCount: 2
        CpuDuration: 5364000
        Disk: 30
        EndTime: 0
        FQAN: vo.example.org
        GlobalUserName: jane@example.org
        ImageId: img
        LocalGroupId: web
        LocalUserId: jane-id
        MachineName: nmeStatus: completed
        Memory: 4096
        PublicIPCount: 2
        SiteName: CESNET-MCC
        StartTime: 1790809200
        Status: started
        VMUUID: vm-running
        WallDuration: 2682000
        %%
        Benchmark: 12
        BenchmarkType: HEPscore23
        CloudComputeService: prague
        CloudType: OpenStack
        CpuCount: 2
        CpuDuration: 7200
        Disk: 30
        EndTime: 1790816400
        FQAN: vo.example.org
        GlobalUserName: jane@example.org
        LocalGroupId: web
        LocalUserId: jane-id
        MachineName: vm-ended-name
        Memory: 4096
        PublicIPCount: 0
        SiteName: CESNET-MCC
        StartTime: 1790812800
        Status: completed
        VMUUID: vm-ended
        WallDuration: 3600
        %%
        Benchmark: 12
        BenchmarkType: HEPscore23
        CloudComputeService: prague
        CloudType: OpenStack
        CpuCount: 2
        CpuDuration: 120
        Disk: 30
        EndTime: 0
        FQAN: vo.example.org
        GlobalUserName: jane@example.org
        LocalGroupId: web
        LocalUserId: jane-id
        MachineName: vm-ended-later-name
        Memory: 4096
        PublicIPCount: 0
        SiteName: CESNET-MCC
        StartTime: 1793491140
        Status: started
        VMUUID: vm-ended-later
        WallDuration: 60
        %%
        Benchmark: 12
        BenchmarkType: HEPscore23
        CloudComputeService: prague
        CloudType: OpenStack
        CpuCount: 2
        CpuDuration: 120
        Disk: 30
        EndTime: 0
        FQAN: vo.example.org
        GlobalUserName: jane@example.org
        LocalGroupId: web
        LocalUserId: jane-id
        MachineName: vm-stopped-name
        Memory: 4096
        PublicIPCount: 0
        SiteName: CESNET-MCC
        StartTime: 1793491140
        Status: started
        VMUUID: vm-stopped
        WallDuration: 60
        %%
        Benchmark: 12
        BenchmarkType: HEPscore23
        CloudComputeService: prague
        CloudType: OpenStack
        CpuCount: 2
        CpuDuration: 120
        Disk: 30
        EndTime: 1790812860
        FQAN: vo.example.org
        GlobalUserName: jane@example.org
        LocalGroupId: web
        LocalUserId: jane-id
        MachineName: vm-end-unwritten-name
        Memory: 4096
        PublicIPCount: 0
        SiteName: CESNET-MCC
        StartTime: 1790812800
        Status: completed
        VMUUID: vm-end-unwritten
        WallDuration: 60
        %%
        Benchmark: 12
        BenchmarkType: HEPscore23
        CloudComputeService: prague
        CloudType: OpenStack
        CpuCount: 2
        CpuDuration: 1
        Disk: 30
        EndTime: 1790812800
        FQAN: vo.example.org
        LocalGroupId: web
        MachineName: vm-never-ran-name
        Memory: 4096
        PublicIPCount: 0
        SiteName: CESNET-MCC
        StartTime: 1790812800
        Status: error
        VMUUID: vm-never-ran
        WallDuration: 1
        %%
        Benchmark: 12
        BenchmarkType: HEPscore23
        CloudComputeService: prague
        CloudType: OpenStack
        CpuCount: 2
        CpuDuration: 7200
        Disk: 30
        EndTime: 0
        FQAN: vo.example.org
        GlobalUserName: jane@example.org
        LocalGroupId: web
        LocalUserId: jane-id
        MachineName: vm-unlisted-name
        Memory: 4096
        PublicIPCount: 0
        SiteName: CESNET-MCC
        StartTime: 1793487600
        Status: started
        VMUUID: vm-unlisted
        WallDuration: 3600
    "#]]
    .assert_eq(&cloud_records(&report, &site));
    assert_eq!(site.left_out(&report).collect::<Vec<_>>(), ["lab"]);

    let of = |site: &Site| {
        let records = cloud_records(&report, site);
        let vos: BTreeSet<_> =
            records.lines().filter_map(|it| it.strip_prefix("FQAN: ")).map(str::to_owned).collect();
        (vos.into_iter().collect::<Vec<_>>(), records.matches("\n%%\n").count() + 1)
    };
    assert_eq!(
        of(&Site { vo: Some("ops".into()), ..site.clone() }),
        (vec!["ops".into(), "vo.example.org".into()], 8)
    );
    assert_eq!(of(&Site { vo_property: Some("VO".into()), ..site.clone() }), (vec!["other".into()], 7));
    assert_eq!(cloud_records(&without_samples(report.clone()), &site), "");
}

#[test]
fn ip_records_count_what_is_left() {
    let ip = |id: &str, project: &str, address: &str, times: (&str, Option<&str>)| {
        let mut it = sample(UsageService::FloatingIp, id, project, times, &[(Unit::FloatingIpHours, 1)]);
        it.resource_name = address.into();
        it
    };
    let report = report(vec![
        ip("a", "lab", "192.0.2.1", ("2026-10-01T00:00:00Z", None)),
        ip("b", "web", "192.0.2.2", ("2026-10-01T00:00:00Z", None)),
        ip("c", "web", "192.0.2.3", ("2026-10-01T00:00:00Z", Some("2026-10-02T00:00:00Z"))),
        ip("d", "web", "192.0.2.4", ("2026-10-01T00:00:00Z", None)),
        ip("e", "web", "2001:db8::1", ("2026-10-01T00:00:00Z", None)),
    ]);
    expect![[r#"{"Type":"APEL Public IP message","Version":"0.2","UsageRecords":[{"MeasurementTime":1793491200,"SiteName":"CESNET-MCC","CloudType":"OpenStack","CloudComputeService":"prague","uuid":"5ae1f564-d7e4-8266-b7f3-bb0c451da953","LocalGroup":"web","FQAN":"vo.example.org","IPVersion":4,"IPCount":2},{"MeasurementTime":1793491200,"SiteName":"CESNET-MCC","CloudType":"OpenStack","CloudComputeService":"prague","uuid":"dff18032-8604-86f3-bef5-063fac599952","LocalGroup":"web","FQAN":"vo.example.org","IPVersion":6,"IPCount":1}]}"#]].assert_eq(&ip_records(&report, &site()));
    assert_eq!(ip_records(&usage(), &site()), "");
}

#[test]
fn storage_records_of_volumes() {
    let volume = |id: &str, project: &str, times| {
        sample(UsageService::Volume, id, project, times, &[(Unit::VolumeGibHours, 3)])
    };
    let mut other = volume("new<&\"", "web", ("2026-10-31T00:00:00Z", None));
    other.user_id = Some("nobody\u{1}".into());
    let report = report(vec![
        volume("of-no-vo", "lab", ("2026-09-01T00:00:00Z", None)),
        volume("old", "web", ("2026-09-01T00:00:00Z", Some("2026-10-02T00:00:00.5Z"))),
        other,
    ]);
    let site = Site { name: "<A & B>".into(), ..site() };
    expect![[r#"
        <sr:StorageUsageRecords xmlns:sr="http://eu-emi.eu/namespaces/2011/02/storagerecord">
        <sr:StorageUsageRecord>
        <sr:RecordIdentity sr:createTime="2026-10-02T00:00:00.5Z" sr:recordId="old-1790812800"/>
        <sr:StorageSystem>prague-volumes</sr:StorageSystem>
        <sr:Site>&lt;A &amp; B&gt;</sr:Site>
        <sr:SubjectIdentity>
        <sr:LocalUser>jane-id</sr:LocalUser>
        <sr:LocalGroup>web</sr:LocalGroup>
        <sr:UserIdentity>jane@example.org</sr:UserIdentity>
        <sr:Group>vo.example.org</sr:Group>
        </sr:SubjectIdentity>
        <sr:StartTime>2026-10-01T00:00:00Z</sr:StartTime>
        <sr:EndTime>2026-10-02T00:00:00.5Z</sr:EndTime>
        <sr:ResourceCapacityUsed>3221225472</sr:ResourceCapacityUsed>
        </sr:StorageUsageRecord>
        <sr:StorageUsageRecord>
        <sr:RecordIdentity sr:createTime="2026-11-01T00:00:00Z" sr:recordId="new&lt;&amp;&quot;-1790812800"/>
        <sr:StorageSystem>prague-volumes</sr:StorageSystem>
        <sr:Site>&lt;A &amp; B&gt;</sr:Site>
        <sr:SubjectIdentity>
        <sr:LocalUser>nobody</sr:LocalUser>
        <sr:LocalGroup>web</sr:LocalGroup>
        <sr:Group>vo.example.org</sr:Group>
        </sr:SubjectIdentity>
        <sr:StartTime>2026-10-31T00:00:00Z</sr:StartTime>
        <sr:EndTime>2026-11-01T00:00:00Z</sr:EndTime>
        <sr:ResourceCapacityUsed>3221225472</sr:ResourceCapacityUsed>
        </sr:StorageUsageRecord>
        </sr:StorageUsageRecords>"#]]
    .assert_eq(&storage_records(&report, &site).replace("><", ">\n<"));
    assert_eq!(storage_records(&super::report(Vec::new()), &site), "");
}
