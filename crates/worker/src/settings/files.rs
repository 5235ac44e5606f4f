//! Where the bytes of files are: the same on every gateway and worker of a cluster.

use hubbub_runtime::settings::setting::About;
use hubbub_runtime::settings::{Reader, Secret, Setting};
use hubbub_store::S3Options;

const S3_ENDPOINT: Setting<String> = Setting::parsed(
    "s3_endpoint",
    "`http://` or `https://`, host and port",
    endpoint,
    "Keep files in a bucket of what speaks S3 here, instead of in MongoDB or the data directory. \
     The bucket is addressed by path.",
);
const S3_BUCKET: Setting<String> =
    Setting::text("s3_bucket", "The bucket, which must exist. Needed with `s3_endpoint`.");
const S3_REGION: Setting<String> =
    Setting::text("s3_region", "The bucket's region.").or("us-east-1");
const S3_ACCESS_KEY: Setting<String> =
    Setting::text("s3_access_key", "The access key's id. Needed with `s3_endpoint`.");
const S3_SECRET_KEY: Setting<Secret> =
    Setting::secret_text("s3_secret_key", "The access key's secret. Needed with `s3_endpoint`.");

/// What is said of a setting without which an endpoint is of no use.
const NEEDED: &str = "is needed too, since HUBBUB_S3_ENDPOINT is set";

/// Every setting of where files are.
#[must_use]
pub const fn settings() -> [About; 5] {
    [
        S3_ENDPOINT.about(),
        S3_BUCKET.about(),
        S3_REGION.about(),
        S3_ACCESS_KEY.about(),
        S3_SECRET_KEY.about(),
    ]
}

/// The bucket that keeps the files, if one does.
pub fn bucket(reader: &mut Reader) -> Option<S3Options> {
    let region = reader.get(&S3_REGION);
    let endpoint = reader.find(&S3_ENDPOINT)?;
    Some(S3Options {
        endpoint,
        region,
        bucket: reader.require(&S3_BUCKET, NEEDED),
        access_key: reader.require(&S3_ACCESS_KEY, NEEDED),
        secret_key: reader.require(&S3_SECRET_KEY, NEEDED).expose().to_owned(),
    })
}

fn endpoint(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match host.map(|host| host.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains(['/', '@', '?', '#']) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => {
            Err("write where the service is, without bucket or key: https://s3.example".to_owned())
        }
    }
}
