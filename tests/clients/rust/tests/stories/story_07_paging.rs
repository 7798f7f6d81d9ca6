//! A folder of 2,500 items, page by page.

use std::sync::Arc;

use docharbor_client_stories::Site;
use tokio::task::JoinSet;

const ITEMS: usize = 2_500;
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_item_of_a_crowded_folder_comes_once_and_in_order() {
    let site = Site::start();
    let (client, root) = (site.admin(), Arc::new(site.root().await));
    let crowded = client.create_folder().parent_folder_id(&*root).name("crowded").send().await;
    let crowded: Arc<str> = crowded.unwrap().metadata().unwrap().id().unwrap().into();
    let mut makers = JoinSet::new();
    for first in 0..AT_ONCE {
        let (client, crowded) = (client.clone(), Arc::clone(&crowded));
        makers.spawn(async move {
            for number in (first..ITEMS).step_by(AT_ONCE) {
                let call = client.create_folder().parent_folder_id(&*crowded);
                call.name(format!("{number:04}")).send().await.unwrap();
            }
        });
    }
    makers.join_all().await;
    let expected: Vec<_> = (0..ITEMS).map(|number| format!("{number:04}")).collect();
    for limit in [7, 100, 999] {
        let call = client.describe_folder_contents().folder_id(&*crowded).limit(limit);
        let mut pages = call.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            assert!(page.folders().len() <= usize::try_from(limit).unwrap());
            assert_eq!(page.marker().is_none(), names.len() + page.folders().len() == ITEMS);
            names.extend(page.folders().iter().map(|folder| folder.name().unwrap().to_owned()));
        }
        assert_eq!(names, expected, "limit {limit}");
    }
    let forged = client.describe_folder_contents().folder_id(&*crowded).marker("forged");
    let error = forged.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
}
