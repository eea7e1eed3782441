//! Named lists of packages that somebody uses again and again.

mod form;

use berth_domain::package::Package;
use berth_domain::package::list::{Added, PackageList};
use berth_domain::package_bucket::{BucketName, MOST_PACKAGES, PackageBucket};
use berth_domain::{PackageBucketId, UserId};
use berth_store::package_buckets::{self as store, NAME};
use berth_store::users;

pub(crate) use form::LONGEST_PASTE;
pub use form::{BucketForm, Listed, Read, TypedPackage};

use crate::creation::CreationForm;
use crate::{Context, Error, FieldErrors, Result, drafts};

/// So many buckets one person may have.
const MOST: i64 = 200;

/// The person's buckets by name, those only in which each word of `words` is.
pub async fn list(ctx: &Context, user: UserId, words: &str) -> Result<Vec<PackageBucket>> {
    let mut buckets = store::list(&ctx.pg, user).await?;
    buckets.retain(|bucket| bucket.matches(words));
    Ok(buckets)
}

/// One of the person's buckets.
pub async fn find(ctx: &Context, user: UserId, id: PackageBucketId) -> Result<PackageBucket> {
    store::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)
}

/// Makes a bucket. [`Error::Invalid`] beside the fields of [`BucketForm`]; what could not be read of the pasted list is an error, too.
pub async fn create(ctx: &Context, user: UserId, form: &BucketForm) -> Result<PackageBucket> {
    let (name, read) = form.checked()?;
    let Some(bucket) = insert(ctx, user, &name, &read.packages).await? else {
        return Err(named_already(&name));
    };
    tracing::info!(%user, bucket = %bucket.id, "package bucket made");
    Ok(bucket)
}

/// Makes a bucket; none when the person has one of that name.
async fn insert(
    ctx: &Context,
    user: UserId,
    name: &BucketName,
    packages: &[Package],
) -> Result<Option<PackageBucket>> {
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    users::lock_kept(&mut tx, user).await?;
    if store::count(&mut *tx, user).await? >= MOST {
        let message = format!("you have {MOST} buckets already: delete or merge some first");
        return Err(FieldErrors::one("name", message).into());
    }
    match store::insert(&mut *tx, user, name, packages, ctx.clock.now()).await {
        Ok(bucket) => {
            tx.commit().await.map_err(berth_store::Error::from)?;
            Ok(Some(bucket))
        }
        Err(error) if error.is_conflict(NAME) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What saving a bucket came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saving {
    /// It is stored.
    Saved(BucketName),
    /// Somebody, perhaps in another tab, has changed it since it was read: this is how it is now, and nothing was stored.
    ChangedMeanwhile(Box<PackageBucket>),
}

/// Stores a bucket as typed, if it is still as it was when the form was shown. Errors as with [`create`].
pub async fn save(ctx: &Context, user: UserId, id: PackageBucketId, form: &BucketForm) -> Result<Saving> {
    let stored = find(ctx, user, id).await?;
    let (name, read) = form.checked()?;
    if stored.revision == form.revision {
        let now = ctx.clock.now();
        let saved = store::update(&ctx.pg, user, id, form.revision, &name, &read.packages, now).await;
        match saved {
            Ok(true) => return Ok(Saving::Saved(name)),
            Ok(false) => {}
            Err(error) if error.is_conflict(NAME) => return Err(named_already(&name)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Saving::ChangedMeanwhile(Box::new(find(ctx, user, id).await?)))
}

fn named_already(name: &BucketName) -> Error {
    FieldErrors::one("name", format!("you have a bucket that is called {name}: choose another name")).into()
}

/// Makes a copy under a name of its own.
pub async fn duplicate(ctx: &Context, user: UserId, id: PackageBucketId) -> Result<PackageBucket> {
    let bucket = find(ctx, user, id).await?;
    for number in 1..=100 {
        let name = bucket.name.copy(number);
        match insert(ctx, user, &name, &bucket.packages).await {
            Ok(Some(copy)) => return Ok(copy),
            Ok(None) => {}
            // There is no field to tell it beside.
            Err(Error::Invalid(errors)) => return Err(Error::Conflict(errors.of("name").join(". "))),
            Err(error) => return Err(error),
        }
    }
    Err(Error::Conflict(format!("there are 100 copies of {} already: rename or delete some", bucket.name)))
}

/// Deletes a bucket; wizards and creations that use it have copies of their own. Answers its name.
pub async fn delete(ctx: &Context, user: UserId, id: PackageBucketId) -> Result<BucketName> {
    let bucket = find(ctx, user, id).await?;
    store::delete(&ctx.pg, user, id).await?;
    tracing::info!(%user, bucket = %id, "package bucket deleted");
    Ok(bucket.name)
}

/// What the person's unfinished wizards that use a bucket are to become.
pub async fn used_by(ctx: &Context, user: UserId, id: PackageBucketId) -> Result<Vec<CreationForm>> {
    let drafts = drafts::list(ctx, user).await?.into_iter().map(|draft| draft.form);
    Ok(drafts.filter(|form| form.buckets.iter().any(|bucket| bucket.id == id)).collect())
}

/// What merging one bucket into another did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The bucket that is larger now.
    pub into: BucketName,
    /// The one that was merged into it.
    pub from: BucketName,
    /// How many packages are new in it.
    pub added: usize,
}

/// Adds the packages of the bucket `from` to the bucket `into`, which keeps the versions that it names. `from` stays, unless it is to be
/// deleted. [`Error::Invalid`] beside `from`.
pub async fn merge(
    ctx: &Context,
    user: UserId,
    into: PackageBucketId,
    from: PackageBucketId,
    delete_from: bool,
) -> Result<Merged> {
    if into == from {
        return Err(FieldErrors::one("from", "choose another bucket than this one").into());
    }
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    let buckets = store::lock(&mut tx, user, &[into, from]).await?;
    let one = |id| buckets.iter().find(|bucket| bucket.id == id);
    let into = one(into).ok_or(Error::NotFound)?;
    let Some(from) = one(from) else {
        return Err(FieldErrors::one("from", "this bucket is not there any more: choose another").into());
    };
    // The versions named last count: those of the bucket that stays.
    let mut merged: PackageList = into.packages.iter().cloned().collect();
    let added = from.packages.iter().filter(|package| merged.add((*package).clone()) == Added::New).count();
    merged.extend(into.packages.iter().cloned());
    let packages = merged.into_packages();
    if packages.len() > MOST_PACKAGES {
        let message = format!(
            "together they have {} packages, and a bucket holds {MOST_PACKAGES}: take some out first",
            packages.len()
        );
        return Err(FieldErrors::one("from", message).into());
    }
    let now = ctx.clock.now();
    store::update(&mut *tx, user, into.id, into.revision, &into.name, &packages, now).await?;
    if delete_from {
        store::delete(&mut *tx, user, from.id).await?;
    }
    tx.commit().await.map_err(berth_store::Error::from)?;
    Ok(Merged { into: into.name.clone(), from: from.name.clone(), added })
}
