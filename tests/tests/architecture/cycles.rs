//! Imports between the modules of a crate: a room (a folder or file beside others) and another one never import each other, not
//! even by way of a third.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use end_to_end::cloud::root;
use proc_macro2::{TokenStream, TokenTree};

use crate::{is_rust, packages, tracked};

/// Path of a module below its crate's root.
type Module = Vec<String>;

#[test]
fn modules_have_no_import_cycles() {
    let mut cycles = Vec::new();
    for (name, package) in packages() {
        let src = package.folder.join("src");
        let modules = modules(&src);
        let imports: BTreeMap<&Module, BTreeSet<Module>> =
            modules.iter().map(|(module, file)| (module, imports(module, file, &modules))).collect();
        let parents: BTreeSet<Module> =
            modules.keys().flat_map(|module| (0..module.len()).map(|n| module[..n].to_vec())).collect();
        for parent in parents {
            let edges = edges(&parent, &imports);
            let cycle: Vec<&String> = edges.keys().filter(|room| reaches(&edges, room)).collect();
            if !cycle.is_empty() {
                cycles.push(format!("{name}::{}: {cycle:?}", parent.join("::")));
            }
        }
    }
    assert!(cycles.is_empty(), "{cycles:#?}");
}

/// The modules of a crate by path, with their files. Binaries beside the library are crates of their own.
fn modules(src: &Path) -> BTreeMap<Module, PathBuf> {
    let files = tracked(src.to_str().expect("UTF-8")).into_iter().filter(|file| is_rust(file));
    let module = |file: String| {
        let path = Path::new(&file).strip_prefix(src).ok()?.with_extension("");
        let mut module: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if matches!(module.last().map(String::as_str), Some("lib" | "mod")) {
            module.pop();
        }
        let binary = module.first().is_some_and(|first| first == "main" || first == "bin");
        (!binary).then(|| (module, root().join(file)))
    };
    files.filter_map(module).collect()
}

/// The modules that a module names in paths that begin with `crate` or `super`, without those of its unit tests.
fn imports(module: &Module, file: &Path, modules: &BTreeMap<Module, PathBuf>) -> BTreeSet<Module> {
    let text = std::fs::read_to_string(file).expect("Rust is UTF-8");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let tokens: Vec<TokenTree> = code.parse::<TokenStream>().expect("what compiles has tokens").into_iter().collect();
    let mut paths = Vec::new();
    collect(&tokens, &mut paths);
    let absolute = paths.into_iter().map(|path| {
        let mut target = if path[0] == "crate" { Vec::new() } else { module.clone() };
        for part in &path {
            match part.as_str() {
                "crate" | "self" => {}
                "super" => drop(target.pop()),
                name => target.push(name.to_owned()),
            }
        }
        while !modules.contains_key(&target) && !target.is_empty() {
            target.pop();
        }
        target
    });
    absolute.collect()
}

/// Collects paths that begin with `crate` or `super`; one for each leaf of a `use` tree.
fn collect(tokens: &[TokenTree], paths: &mut Vec<Vec<String>>) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(first) if first == "crate" || first == "super" => {
                at = follow(tokens, at, Vec::new(), paths);
            }
            TokenTree::Group(group) => {
                collect(&group.stream().into_iter().collect::<Vec<_>>(), paths);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Follows a path from an identifier to its end or to its braces. Returns the position after it.
fn follow(tokens: &[TokenTree], mut at: usize, mut path: Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => path.push(name.to_string()),
            Some(TokenTree::Group(group)) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for leaf in inner.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')) {
                    if !leaf.is_empty() {
                        follow(leaf, 0, path.clone(), paths);
                    }
                }
                return at + 1;
            }
            _ => {
                paths.push(path);
                return at + 1;
            }
        }
        if colon(at + 1) && colon(at + 2) {
            at += 3;
        } else {
            paths.push(path);
            return at + 1;
        }
    }
}

/// Imports between the rooms of one parent.
fn edges(parent: &Module, imports: &BTreeMap<&Module, BTreeSet<Module>>) -> BTreeMap<String, BTreeSet<String>> {
    let room = |module: &Module| {
        (module.len() > parent.len() && module.starts_with(parent)).then(|| module[parent.len()].clone())
    };
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, targets) in imports {
        for (from, to) in targets.iter().filter_map(|target| room(module).zip(room(target))) {
            if from != to {
                edges.entry(from).or_default().insert(to);
            }
        }
    }
    edges
}

/// Returns true if a room leads back to itself.
fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, room: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![room]);
    while let Some(module) = next.pop() {
        for target in edges.get(module).into_iter().flatten() {
            if target == room {
                return true;
            }
            if seen.insert(target) {
                next.push(target);
            }
        }
    }
    false
}
