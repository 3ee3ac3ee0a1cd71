//! A bill: usage, at its prices.

use super::inputs::{Fargate, Month, Standing};
use super::price::{Price, Prices};
use super::usage::Usage;

/// What is to be paid, by kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Bill(Vec<Line>);

/// What is to be paid for one kind of thing.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) service: &'static str,
    /// At list prices.
    pub(super) usd: f64,
    /// Beyond what is free each month, when the account uses nothing else.
    pub(super) beyond_free: f64,
}

impl Bill {
    /// What requests cost. Nothing in it depends on the hour or the month.
    pub(super) fn of_usage(usage: &Usage, prices: &Prices) -> Self {
        Self::default()
            .with("API Gateway", &prices.http_api_request, usage.metered)
            .with("Lambda", &prices.lambda_request, usage.requests)
            .with("Lambda", &prices.lambda_gb_second, usage.gb_seconds)
            .with("S3 requests", &prices.s3_put, usage.s3_puts)
            .with("S3 requests", &prices.s3_get, usage.s3_gets)
            .with("DynamoDB requests", &prices.dynamodb_read, usage.reads)
            .with("DynamoDB requests", &prices.dynamodb_write, usage.writes)
            .with("Logs", &prices.log_gb, usage.log_gb)
    }

    /// What watching costs in a month, with metrics in `active` of its hours, as a share.
    pub(super) fn of_watching(standing: &Standing, active: f64, prices: &Prices) -> Self {
        Self::default()
            .with("Alarms", &prices.alarm_month, standing.alarms)
            .with("Dashboard", &prices.dashboard_month, standing.dashboards)
            .with("Metrics", &prices.metric_month, standing.metrics * active)
    }

    /// What keeping costs in a month.
    pub(super) fn of_keeping(stored_gb: f64, table_gb: f64, prices: &Prices) -> Self {
        Self::default()
            .with("S3 storage", &prices.s3_gb_month, stored_gb)
            .with("DynamoDB storage", &prices.dynamodb_gb_month, table_gb)
            .with("DynamoDB storage", &prices.dynamodb_recovery_gb_month, table_gb)
    }

    /// What it costs to keep bytes that go by themselves after some days, when so many come in a month.
    pub(super) fn of_staged(gb: f64, month: &Month, prices: &Prices) -> Self {
        Self::default().with(
            "S3 storage of staged layers",
            &prices.s3_gb_month,
            gb * month.staged_days * 24.0 / month.hours,
        )
    }

    /// What a month of ECR costs inside the region.
    pub(super) fn of_ecr(month: &Month, prices: &Prices) -> Self {
        Self::default().with("ECR storage", &prices.ecr_gb_month, month.stored_gb)
    }

    /// What a month of a registry in a container costs, with `pushed_gb` through its load balancer.
    pub(super) fn of_fargate(fargate: &Fargate, month: &Month, pushed_gb: f64, prices: &Prices) -> Self {
        Self::default()
            .with("Fargate", &prices.fargate_vcpu_hour, fargate.vcpu * month.hours)
            .with("Fargate", &prices.fargate_gb_hour, fargate.memory_gb * month.hours)
            .with("Load balancer", &prices.alb_hour, month.hours)
            .with("Load balancer", &prices.alb_lcu_hour, pushed_gb)
            .with("Public addresses", &prices.public_ipv4_hour, fargate.addresses * month.hours)
            .with("S3 storage", &prices.s3_gb_month, month.stored_gb)
    }

    fn with(mut self, service: &'static str, price: &Price, quantity: f64) -> Self {
        let line = Line { service, usd: price.of(quantity), beyond_free: price.beyond_free(quantity) };
        match self.0.iter_mut().find(|present| present.service == service) {
            Some(present) => {
                present.usd += line.usd;
                present.beyond_free += line.beyond_free;
            }
            None => self.0.push(line),
        }
        self
    }

    /// Both bills in one.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Its lines, in order.
    pub(super) fn lines(&self) -> &[Line] {
        &self.0
    }

    /// All of it, at list prices.
    pub(super) fn usd(&self) -> f64 {
        self.0.iter().map(|line| line.usd).sum()
    }

    /// All of it, beyond what is free each month.
    pub(super) fn beyond_free(&self) -> f64 {
        self.0.iter().map(|line| line.beyond_free).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices() -> Prices {
        toml::from_str(include_str!("../../../docs/costs/prices.toml")).unwrap()
    }

    #[track_caller]
    fn near(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
    }

    #[test]
    fn a_million_of_everything_costs_what_the_lists_say() {
        let million = Usage { requests: 1e6, metered: 1e6, reads: 1e6, writes: 1e6, ..Usage::default() };
        let bill = Bill::of_usage(&million, &prices());
        near(bill.usd(), 1.00 + 0.20 + 0.125 + 0.625);
        near(bill.beyond_free(), 1.00 + 0.125 + 0.625);
        let stored = Usage { s3_puts: 1e6, s3_gets: 1e6, log_gb: 2.0, gb_seconds: 1e6, ..Usage::default() };
        near(Bill::of_usage(&stored, &prices()).usd(), 5.0 + 0.4 + 1.0 + 13.3334);
    }

    #[test]
    fn a_month_of_the_others_is_their_hours_and_their_storage() {
        let (hours, stored_gb, staged_days) = (720.0, 50.0, 9.0);
        let month = Month { hours, stored_gb, staged_days, table_gb: 0.0, pushes: 0.0, pulls: 0.0 };
        near(Bill::of_staged(100.0, &month, &prices()).usd(), 100.0 * 0.3 * 0.023);
        near(Bill::of_ecr(&month, &prices()).usd(), 5.0);
        let fargate = Fargate { vcpu: 0.25, memory_gb: 0.5, addresses: 3.0 };
        let bill = Bill::of_fargate(&fargate, &month, 100.0, &prices());
        near(
            bill.usd(),
            720.0 * (0.25 * 0.03238 + 0.5 * 0.00356 + 0.0225 + 3.0 * 0.005) + 100.0 * 0.008 + 50.0 * 0.023,
        );
        assert_eq!(bill.lines().len(), 4);
    }

    #[test]
    fn an_idle_month_has_no_metrics() {
        let standing = Standing {
            alarms: 5.0,
            dashboards: 1.0,
            metrics: 25.0,
            scheduled: 0.0,
            scheduled_milliseconds: 0.0,
            scheduled_reads: 0.0,
            scheduled_gets: 0.0,
        };
        near(Bill::of_watching(&standing, 0.0, &prices()).usd(), 3.5);
        near(Bill::of_watching(&standing, 0.0, &prices()).beyond_free(), 0.0);
        near(Bill::of_watching(&standing, 1.0, &prices()).usd(), 3.5 + 7.5);
    }
}
