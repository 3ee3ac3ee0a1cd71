//! What things are sold at.

use serde::Deserialize;

/// What so many of a thing cost in US dollars.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    /// What `per` units cost.
    usd: f64,
    #[serde(default = "one")]
    per: f64,
    /// What every account has free each month.
    #[serde(default)]
    free: f64,
    /// Whether it is the same in all commercial regions.
    #[serde(default)]
    pub(super) everywhere: bool,
    /// Where AWS lists it.
    pub(super) page: String,
}

fn one() -> f64 {
    1.0
}

impl Price {
    /// What so many cost at the list price.
    pub(super) fn of(&self, quantity: f64) -> f64 {
        quantity * self.usd / self.per
    }

    /// What so many cost in a month in which the account uses nothing else of the kind.
    pub(super) fn beyond_free(&self, quantity: f64) -> f64 {
        self.of((quantity - self.free).max(0.0))
    }
}

/// All prices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prices {
    pub(super) region: String,
    pub(super) read: String,
    pub(super) http_api_request: Price,
    pub(super) lambda_request: Price,
    pub(super) lambda_gb_second: Price,
    pub(super) s3_put: Price,
    pub(super) s3_get: Price,
    pub(super) s3_gb_month: Price,
    pub(super) dynamodb_write: Price,
    pub(super) dynamodb_read: Price,
    pub(super) dynamodb_gb_month: Price,
    pub(super) dynamodb_recovery_gb_month: Price,
    pub(super) log_gb: Price,
    pub(super) metric_month: Price,
    pub(super) alarm_month: Price,
    pub(super) dashboard_month: Price,
    pub(super) transfer_out_gb: Price,
    pub(super) ecr_gb_month: Price,
    pub(super) fargate_vcpu_hour: Price,
    pub(super) fargate_gb_hour: Price,
    pub(super) alb_hour: Price,
    pub(super) alb_lcu_hour: Price,
    pub(super) public_ipv4_hour: Price,
}

impl Prices {
    /// Each price, and what it is for.
    pub(super) fn all(&self) -> [(&'static str, &Price); 21] {
        [
            ("HTTP API, request of up to 512 KB", &self.http_api_request),
            ("Lambda, invocation", &self.lambda_request),
            ("Lambda on arm64, GB-second", &self.lambda_gb_second),
            ("S3, PUT, COPY, POST", &self.s3_put),
            ("S3, GET and HEAD", &self.s3_get),
            ("S3 Standard, GB-month", &self.s3_gb_month),
            ("DynamoDB, write unit", &self.dynamodb_write),
            ("DynamoDB, read unit", &self.dynamodb_read),
            ("DynamoDB, GB-month", &self.dynamodb_gb_month),
            ("DynamoDB, recovery of a GB, month", &self.dynamodb_recovery_gb_month),
            ("CloudWatch, GB of logs", &self.log_gb),
            ("CloudWatch, custom metric, month", &self.metric_month),
            ("CloudWatch, alarm, month", &self.alarm_month),
            ("CloudWatch, dashboard, month", &self.dashboard_month),
            ("Transfer to the internet, GB", &self.transfer_out_gb),
            ("ECR, GB-month", &self.ecr_gb_month),
            ("Fargate on arm64, vCPU-hour", &self.fargate_vcpu_hour),
            ("Fargate on arm64, GB-hour", &self.fargate_gb_hour),
            ("ALB, hour", &self.alb_hour),
            ("ALB, capacity unit, hour", &self.alb_lcu_hour),
            ("Public IPv4 address, hour", &self.public_ipv4_hour),
        ]
    }
}

impl std::fmt::Display for Price {
    /// As price lists say it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let usd = self.usd.to_string();
        let decimals = usd.split_once('.').map_or(0, |(_, decimals)| decimals.len()).max(2);
        write!(formatter, "${:.decimals$}", self.usd)?;
        if self.per > 1.0 { write!(formatter, " per {}", super::text::count(self.per)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_of_so_many_and_the_free_ones_come_first() {
        let price: Price = toml::from_str("usd = 0.5\nper = 1_000\nfree = 4_000\npage = ''").unwrap();
        assert!((price.of(6_000.0) - 3.0).abs() < 1e-9);
        assert!((price.beyond_free(6_000.0) - 1.0).abs() < 1e-9);
        assert!(price.beyond_free(3_000.0).abs() < 1e-9);
        assert_eq!(price.to_string(), "$0.50 per 1,000");
    }
}
