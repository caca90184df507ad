//! Data files that will not do are named, and left as they are.

use std::path::Path;

use fulfill_sandbox::{Sandbox, StartError};

use crate::stage::Stage;

/// A data file with some lines, as text.
async fn written(file: &Path) -> String {
    let stage = Stage::of(Sandbox::builder().seed(7).data(file)).await;
    for name in ["Tea", "Coffee", "Milk"] {
        stage.post("/v1/products", &format!("name={name}")).await;
    }
    stage.sandbox.shutdown().await;
    std::fs::read_to_string(file).unwrap()
}

async fn refused(file: &Path) -> String {
    let before = std::fs::read(file).ok();
    let error = Sandbox::builder().port(0).data(file).start().await.unwrap_err();
    assert!(matches!(error, StartError::Data(_)), "{error}");
    assert_eq!(std::fs::read(file).ok(), before, "the file was touched");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_file_is_lines_of_json_for_its_owner_only_and_without_the_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let text = written(&file).await;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["format"], &lines[0]["seed"]), (&1.into(), &7.into()));
    assert_eq!(lines[2]["change"]["call"]["form"], "name=Tea");
    assert_eq!(lines.len(), 5);
    let stage = Stage::of(Sandbox::builder().seed(7)).await;
    assert!(!text.contains(stage.sandbox.secret_key()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_that_is_torn_is_cut_off_and_the_file_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let text = written(&file).await;
    std::fs::write(&file, &text[..text.len() - 9]).unwrap();
    let stage = Stage::of(Sandbox::builder().data(&file)).await;
    stage.post("/v1/products", "name=Sugar").await;
    stage.sandbox.shutdown().await;
    let stage = Stage::of(Sandbox::builder().data(&file)).await;
    let products = stage.get("/v1/products").await;
    let names: Vec<&str> = products["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Sugar", "Coffee", "Tea"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_altered_or_lost_in_the_middle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let text = written(&file).await;
    std::fs::write(&file, text.replace("Coffee", "Cocoaa")).unwrap();
    let told = refused(&file).await;
    assert!(told.contains("shop.data, line 4: it was altered"), "{told}");
    let lost: Vec<&str> = text.lines().filter(|line| !line.contains("Tea")).collect();
    std::fs::write(&file, lost.join("\n") + "\n").unwrap();
    let told = refused(&file).await;
    assert!(told.contains("line 3: it was altered, or the line before it is missing"), "{told}");
    std::fs::write(&file, text.replacen("\"seed\":7", "\"seed\":8", 1)).unwrap();
    assert!(refused(&file).await.contains("line 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_something_else_a_newer_one_and_a_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    for notes in ["my notes\n", "my notes", "{\"a\":1}\n"] {
        std::fs::write(&file, notes).unwrap();
        let told = refused(&file).await;
        assert!(told.contains("notes.txt is not a sandbox's data file"), "{told}");
    }
    std::fs::write(&file, "{\"sum\":\"00000000\",\"format\":9,\"trees\":1}\n").unwrap();
    let told = refused(&file).await;
    assert!(told.contains("has format 9; this program knows formats up to 1"), "{told}");
    assert!(refused(folder.path()).await.contains("Is its folder there"));
    assert!(refused(&folder.path().join("no/such.data")).await.contains("Is its folder there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_use_and_another_seed_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let stage = Stage::of(Sandbox::builder().seed(7).data(&file)).await;
    assert!(refused(&file).await.contains("in use by another sandbox"));
    stage.sandbox.shutdown().await;
    let error = Sandbox::builder().port(0).seed(8).data(&file).start().await.unwrap_err();
    assert!(error.to_string().contains("was begun with seed 7, not 8"), "{error}");
}
