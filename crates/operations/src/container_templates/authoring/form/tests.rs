use super::*;

fn script(name: &str, content: &str) -> TypedScript {
    TypedScript { name: name.into(), content: content.into() }
}

fn text(path: &str) -> TypedFile {
    TypedFile::new(path, FileContent::Text("x\r\n".into()))
}

fn form() -> Form {
    Form {
        title: "Web & more".into(),
        tags: "web, db".into(),
        memory: "1024".into(),
        nesting: "yes".into(),
        packages: [(PackageManager::Apt, "nginx # the server\r\n\r\nnginx\r\n".into())].into(),
        scripts: vec![script("10-a.sh", "echo a\r\n"), script("20-b.sh", "echo b\n")],
        files: vec![text("/etc/a")],
        ..Form::default()
    }
}

fn none() -> BTreeMap<ContentHash, Vec<u8>> {
    BTreeMap::new()
}

fn problems(form: &Form) -> Vec<String> {
    let errors = form.check(&none()).expect_err("should be refused");
    errors.iter().map(|(field, _)| field.to_owned()).collect()
}

#[test]
fn what_a_browser_sends_becomes_what_runs() {
    let recipe = form().check(&none()).unwrap();
    assert_eq!((recipe.name.as_str(), recipe.tags.join(" ")), ("web-more", "db web".to_owned()));
    assert_eq!(
        (recipe.defaults.memory, recipe.defaults.nesting, recipe.defaults.cores),
        (Some(1024), Some(true), None)
    );
    assert_eq!(recipe.packages.len(), 1);
    assert_eq!(recipe.scripts[0].content, "echo a\n", "a browser's line ends are no part of it");
    assert_eq!(recipe.files[0].content, b"x\n");
    assert_eq!(Form::of(&recipe).check(&none()).unwrap(), recipe);
}

#[test]
fn each_bad_input_is_told_beside_its_field() {
    let one = |change: &dyn Fn(&mut Form)| {
        let mut form = form();
        change(&mut form);
        problems(&form)
    };
    for title in ["", " ", "two\nlines", &"x".repeat(101)] {
        assert_eq!(one(&|form| form.title = title.into()), ["title"], "{title:?}");
    }
    for name in ["; rm -rf /", "$(x)", "a'b", "a\"b", "a\nb", "-rf", "", "a b", "../a", &"x".repeat(61)] {
        assert_eq!(one(&|form| form.scripts[1].name = name.into()), ["script_name.1"], "{name:?}");
        assert_eq!(
            one(&|form| form.installers = vec![script(name, "true")]),
            ["installer_name.0"],
            "{name:?}"
        );
    }
    assert_eq!(one(&|form| form.scripts[1].name = "10-a.sh".into()), ["script_name.1"]);
    for content in ["", "a\0b", "a\rb", &"x".repeat(SCRIPT_LIMIT + 1)] {
        assert_eq!(one(&|form| form.scripts[0].content = content.into()), ["script_content.0"]);
    }
    for path in ["", "/", "etc/x", "/etc/../shadow", "/a//b", "/a\nb", "/a/."] {
        assert_eq!(one(&|form| form.files[0].path = path.into()), ["file_path.0"], "{path:?}");
    }
    assert_eq!(one(&|form| form.files.push(text("/etc/a"))), ["file_path.1"]);
    for mode in ["", "7", "0888", "rw-"] {
        assert_eq!(one(&|form| form.files[0].mode = mode.into()), ["file_mode.0"], "{mode:?}");
    }
    for owner in ["", "-R", "a b", "$(id)", "a:"] {
        assert_eq!(one(&|form| form.files[0].owner = owner.into()), ["file_owner.0"], "{owner:?}");
    }
    assert_eq!(one(&|form| form.files[0].policy = "burn".into()), ["file_policy.0"]);
    let kept = FileContent::Kept { sha256: "0a".repeat(32), size: 1 };
    assert_eq!(one(&|form| form.files[0].content = kept.clone()), ["file_content.0"]);
    assert_eq!(one(&|form| form.tags = "a b; c!".into()), ["tags"]);
    assert_eq!(one(&|form| form.memory = "8".into()), ["memory"]);
    assert_eq!(one(&|form| form.cores = "many".into()), ["cores"]);
    assert_eq!(one(&|form| form.ostype = "Debian 12".into()), ["ostype"]);
    assert_eq!(
        one(&|form| form.packages = [(PackageManager::Apt, "ok\n--yes".into())].into()),
        ["packages_apt"]
    );
    let keyctl = |form: &mut Form| (form.keyctl, form.unprivileged) = ("yes".into(), "no".into());
    assert_eq!(one(&keyctl), ["keyctl"]);
}

#[test]
fn titles_are_text_and_nothing_more() {
    for title in ["; rm -rf /", "$(x)", "\"quoted\" 'twice'", "-rf", "日本"] {
        let recipe = Form { title: title.into(), ..form() }.check(&none()).unwrap();
        assert_eq!(recipe.title, title);
        let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '-';
        assert!(
            recipe.name.starts_with(char::is_alphanumeric) && recipe.name.chars().all(is_plain),
            "{}",
            recipe.name
        );
    }
}

#[test]
fn a_large_script_many_packages_and_a_binary_file_are_taken() {
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let sha256 = berth_store::container_templates::hash(&binary);
    let mut form = form();
    form.scripts[0].content = "x".repeat(SCRIPT_LIMIT);
    let packages = (0..500).map(|number| format!("package{number}")).collect::<Vec<_>>().join("\n");
    form.packages = [(PackageManager::Apt, packages)].into();
    form.files = vec![TypedFile::new("/srv/logo", FileContent::Kept { sha256: sha256.to_string(), size: 1 })];
    assert_eq!(form.kept().len(), 1);
    let recipe = form.check(&[(sha256, binary.clone())].into()).unwrap();
    assert_eq!((recipe.packages.len(), recipe.files[0].content.as_slice()), (500, binary.as_slice()));
    // It never goes through a text field.
    assert!(matches!(&Form::of(&recipe).files[0].content, FileContent::Kept { size: 100_000, .. }));
    for (content, editable) in
        [(b"a\n".as_slice(), true), (b"a\r\n", false), (b"\0", false), (b"\xff", false)]
    {
        assert_eq!(is_editable(content).is_some(), editable, "{content:?}");
    }
}

#[test]
fn lists_of_packages_have_the_bounds_of_those_on_disk() {
    let told = |lists: [(PackageManager, String); 2]| {
        let form = Form { packages: lists.into(), ..form() };
        let errors = form.check(&none()).map_or_else(|errors| errors, |_| crate::FieldErrors::new());
        let of = |field| errors.of(field).to_vec();
        (of("packages_apt"), of("packages_npm"))
    };
    let names =
        |count: usize| (0..count).map(|number| format!("p{number}")).collect::<Vec<_>>().join("\n") + "\n";
    let both = |apt: String, npm: String| told([(PackageManager::Apt, apt), (PackageManager::Npm, npm)]);
    assert_eq!(both(names(1000) + &names(1000), names(1000)), (vec![], vec![]));
    let (apt, npm) = both(names(1001), names(1000));
    assert!(apt.is_empty() && npm.len() == 1 && npm[0].contains("line 1000 is one too many"), "{npm:?}");

    let (apt, _) = both("--yes\n".repeat(40_000), String::new());
    assert_eq!(apt.len(), MOST_PROBLEMS);
    let (apt, _) = both("# \n".repeat(100_000), String::new());
    assert!(apt.len() == 1 && apt[0].contains("256 KiB"), "{apt:?}");
}

#[test]
fn contents_are_not_copied_beyond_the_limit() {
    let content = vec![0; FILE_LIMIT];
    let sha256 = berth_store::container_templates::hash(&content);
    let contents = [(sha256.clone(), content)].into();
    let file = |number: usize| {
        let content = FileContent::Kept { sha256: sha256.to_string(), size: 1 };
        TypedFile::new(format!("/srv/{number}"), content)
    };
    let mut errors = crate::FieldErrors::new();
    let files = Form { files: (0..500).map(file).collect(), ..form() }.files(&mut errors, &contents);
    assert_eq!((files.len(), errors.of("files").len()), (FILES_LIMIT / FILE_LIMIT, 1));
}
