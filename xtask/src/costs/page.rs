//! The page: what the inputs come to, in words and tables.

use std::fmt::Write as _;

use super::Error;
use super::bill::Bill;
use super::inputs::{Inputs, Sequence};
use super::text::{about, cents, count, dollars, number};
use super::usage::Usage;

/// Everything that the page says, computed.
struct Figures<'a> {
    inputs: &'a Inputs,
    first_push: Usage,
    ci_push: Usage,
    pull: Usage,
    check: Usage,
    idle: Bill,
    month: Bill,
    ecr: Bill,
    fargate: Bill,
    /// What all pushes of the month bring.
    pushed_gb: f64,
}

/// The text of docs/costs.md.
pub(super) fn render(inputs: &Inputs) -> Result<String, Error> {
    let figures = Figures::of(inputs)?;
    let sections = [
        figures.opening(),
        figures.push_and_pull(),
        figures.million_pulls(),
        figures.idle_month(),
        figures.team_month(),
        figures.which_is_cheaper(),
        figures.assumptions(),
        figures.prices(),
    ];
    Ok(sections.join("\n"))
}

impl<'a> Figures<'a> {
    fn of(inputs: &'a Inputs) -> Result<Self, Error> {
        let Inputs { prices, uses, .. } = inputs;
        let usage = |sequence: &Sequence| inputs.usage(sequence);
        let (first_push, ci_push) = (usage(&uses.first_push)?, usage(&uses.ci_push)?);
        let (pull, check) = (usage(&uses.pull)?, usage(&uses.check)?);
        let (standing, month) = (&uses.standing, &uses.month);
        let scheduled = Usage::scheduled(standing, &uses.functions);
        let requests = ci_push * month.pushes + pull * month.pulls + scheduled;
        let pushed_gb = month.pushes * uses.image.new_layers * uses.image.layer_mb / 1e3;
        let staged_gb = month.pushes * uses.image.new_layers * uses.image.staged_mb / 1e3;
        Ok(Self {
            idle: Bill::of_watching(standing, 0.0, prices).and(Bill::of_usage(&scheduled, prices)),
            month: Bill::of_keeping(month.stored_gb, month.table_gb, prices)
                .and(Bill::of_staged(staged_gb, month, prices))
                .and(Bill::of_usage(&requests, prices))
                .and(Bill::of_watching(standing, 1.0, prices)),
            ecr: Bill::of_ecr(month, prices),
            fargate: Bill::of_fargate(&uses.fargate, month, pushed_gb, prices),
            first_push,
            ci_push,
            pull,
            check,
            pushed_gb,
            inputs,
        })
    }

    /// What requests cost, at list prices.
    fn usd(&self, usage: Usage) -> f64 {
        Bill::of_usage(&usage, &self.inputs.prices).usd()
    }

    fn opening(&self) -> String {
        let (image, prices) = (&self.inputs.uses.image, &self.inputs.prices);
        format!(
            "<!-- Written by `cargo xtask costs` from the files in docs/costs. Change those, not this. -->\n\
             \n\
             # What it costs\n\
             \n\
             The registry as Lambda functions behind an HTTP API, over S3 and DynamoDB: list prices of {region}, read on\n\
             {read}, times the calls that each operation makes. The calls are those of\n\
             [ARCHITECTURE.md](../ARCHITECTURE.md#round-trips); prices, calls and uses are inputs in [docs/costs](costs), and\n\
             `cargo xtask costs` computes this page from them. **None of it has been compared with a bill so far.**\n\
             \n\
             The typical image here has {layers} layers of {layer} MB ({whole} MB in all), a configuration and a manifest. A\n\
             push by CI brings {new} new layers; the other {old} are there already.\n",
            region = prices.region,
            read = prices.read,
            layers = count(image.layers),
            layer = count(image.layer_mb),
            whole = count(image.layers * image.layer_mb),
            new = count(image.new_layers),
            old = count(image.layers - image.new_layers),
        )
    }

    fn push_and_pull(&self) -> String {
        let mut text = "## A push and a pull\n\
             \n\
             | | requests | as metered | S3 writes | S3 reads | table reads | table writes | Lambda, GB-s | cost |\n\
             |---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
        let rows = [
            ("first push", self.first_push),
            ("push by CI", self.ci_push),
            ("pull", self.pull),
            ("pull of what is there already", self.check),
        ];
        for (name, usage) in rows {
            let cells = [usage.requests, usage.metered, usage.s3_puts, usage.s3_gets, usage.reads, usage.writes];
            let cells = cells.map(count).join(" | ");
            let _ = writeln!(text, "| {name} | {cells} | {:.2} | {} |", usage.gb_seconds, cents(self.usd(usage)));
        }
        let internet = self.inputs.prices.transfer_out_gb.of(self.image_gb());
        let _ = write!(
            text,
            "\n\
             The gateway meters a request once for each 512 KB of it, which makes a chunk of a layer nine requests. Layers of\n\
             a pull are redirected: the bytes come from the bucket itself, and S3's reads include those that the client\n\
             sends there.\n\
             \n\
             Through the gateway a layer is pushed in chunks of 4 MiB, as regctl does: that is what these pushes are. Docker's\n\
             classic store, podman and skopeo send a layer in one request, and one above 4 MiB is refused today.\n\
             \n\
             Bytes are free to push, and free to pull inside the region. A pull to the internet adds {} for this image: the\n\
             same as from ECR or from a container.\n",
            cents(internet),
        );
        text
    }

    fn million_pulls(&self) -> String {
        let bill = Bill::of_usage(&(self.pull * 1e6), &self.inputs.prices);
        let mut text = "## A million pulls inside the region\n\n| | cost |\n|---|---|\n".to_owned();
        for line in bill.lines() {
            let _ = writeln!(text, "| {} | {} |", line.service, dollars(line.usd));
        }
        let checks = self.usd(self.check * 1e6);
        let internet = self.inputs.prices.transfer_out_gb.of(self.image_gb() * 1e6);
        let _ = write!(
            text,
            "| **all** | **{}** |\n\
             \n\
             A million pulls that find nothing new cost {}. To the internet a million pulls of this image would move {} TB,\n\
             at most {} more; above 10 TB the price falls.\n",
            dollars(bill.usd()),
            dollars(checks),
            count(self.image_gb() * 1e3),
            dollars(internet),
        );
        text
    }

    fn idle_month(&self) -> String {
        let standing = &self.inputs.uses.standing;
        let mut text = "## A month in which nobody comes\n\
             \n\
             | | list price | beyond what is free |\n\
             |---|---|---|\n"
            .to_owned();
        two_columns(&mut text, &self.idle);
        let (storage, table) = (self.inputs.prices.s3_gb_month.of(1.0), &self.inputs.prices.dynamodb_gb_month);
        let _ = write!(
            text,
            "\n\
             {} alarms, {} dashboard, and {} invocations by schedule: what watches the registry costs, not the registry.\n\
             Storage comes on top: {} a month for each GB of layers, times the replicas, and {} for each GB of the table.\n\
             \n\
             The right column is for an account that uses nothing else of the kind: AWS gives each account so much of some\n\
             services free every month, without an end. Allowances that end after a year are not counted.\n",
            count(standing.alarms),
            count(standing.dashboards),
            count(standing.scheduled),
            cents(storage),
            cents(table.of(1.0)),
        );
        text
    }

    fn team_month(&self) -> String {
        let (month, fargate) = (&self.inputs.uses.month, &self.inputs.uses.fargate);
        let mut text = format!(
            "## A small team's month\n\
             \n\
             {} GB stored, {} pushes by CI ({} GB of new layers), {} pulls, all inside the region.\n\
             \n\
             | Ringhold | list price | beyond what is free |\n\
             |---|---|---|\n",
            count(month.stored_gb),
            count(month.pushes),
            count(self.pushed_gb),
            count(month.pulls),
        );
        two_columns(&mut text, &self.month);
        let _ = write!(
            text,
            "\n\
             Metrics are {metrics} custom ones, whose price does not depend on how many requests there are. What is\n\
             staged lies there until nobody can be reading it any more.\n\
             \n\
             | the others | list price |\n\
             |---|---|\n\
             | ECR: storage; requests and pulls inside the region are free | {ecr} |\n\
             | a registry in a container on Fargate: {vcpu} vCPU, {memory} GB, one load balancer, {addresses} public addresses, \
             S3 | {fargate} |\n",
            metrics = count(self.inputs.uses.standing.metrics),
            ecr = dollars(self.ecr.usd()),
            vcpu = number(fargate.vcpu),
            memory = number(fargate.memory_gb),
            addresses = count(fargate.addresses),
            fargate = dollars(self.fargate.usd()),
        );
        let _ = write!(
            text,
            "\n\
             {}\n\
             {}\n\
             {}\n\
             The container's S3 requests and logs are not counted, in its favour; it is one task, without a second one for\n\
             when it fails. Behind a load balancer that is there anyway it costs {}.\n",
            compare("ECR", self.ecr.usd(), self.month.usd()),
            compare("The container", self.fargate.usd(), self.month.usd()),
            self.without_watching(),
            dollars(self.fargate_alone()),
        );
        text
    }

    /// The month when nobody watches the registry.
    fn without_watching(&self) -> String {
        let prices = &self.inputs.prices;
        let watching = Bill::of_watching(&self.inputs.uses.standing, 1.0, prices).usd();
        let rest = self.month.usd() - watching;
        format!(
            "Ringhold without alarms, dashboard and metrics of its own costs {}, {} ECR.",
            dollars(rest),
            if rest < self.ecr.usd() { "less than" } else { "not less than" },
        )
    }

    /// The container's month without load balancer and its addresses.
    fn fargate_alone(&self) -> f64 {
        let kept = self.fargate.lines().iter().filter(|line| matches!(line.service, "Fargate" | "S3 storage"));
        kept.map(|line| line.usd).sum()
    }

    fn which_is_cheaper(&self) -> String {
        let prices = &self.inputs.prices;
        let saved = prices.ecr_gb_month.of(1.0) - prices.s3_gb_month.of(1.0);
        let pull = self.usd(self.pull);
        let fixed = Bill::of_watching(&self.inputs.uses.standing, 1.0, prices).usd();
        let container = self.fargate.usd() - prices.s3_gb_month.of(self.inputs.uses.month.stored_gb);
        format!(
            "## When which is cheaper\n\
             \n\
             - **ECR** takes money for storage alone. A GB costs {saved} a month less here; a pull costs {pull}, and nothing\n  \
             there. So ECR is cheaper for whoever pulls such images more than about {pulls} times a month for each GB\n  \
             stored, and, as long as alarms, dashboard and metrics are paid for ({fixed} a month), for whoever stores less\n  \
             than about {stored} GB.\n\
             - **A container** costs {container} a month before storage, used or not. It is cheaper from about {many} pulls a\n  \
             month on, and it takes layers of any size from every client: `ringhold serve` over the same buckets and table is\n  \
             one.\n\
             - **The functions** are cheapest where much is stored and little is pulled.\n",
            saved = cents(saved),
            pull = cents(pull),
            pulls = about(saved / pull),
            fixed = dollars(fixed),
            stored = about(fixed / saved),
            container = dollars(container),
            many = about((container - fixed) / pull),
        )
    }

    fn assumptions(&self) -> String {
        let functions = &self.inputs.uses.functions;
        format!(
            "## What is assumed\n\
             \n\
             - How long functions run is assumed, not measured on AWS: 15 to 50 ms for a request without bytes, about 0.3 s for\n  \
             a chunk of 4 MiB, {} GB of memory, arm64. Starts from cold are not counted: some tens of milliseconds each.\n\
             - {} bytes of log for each invocation, and logs that expire soon: keeping them is not counted.\n\
             - Every push and pull signs in anew, by a robot's token. Each running function reads the public keys once a\n  \
             minute, which is not counted.\n\
             - One replica. Two replicas double S3's storage, and add a copy for each layer.\n\
             - Collection is not counted yet, for it is not there yet. Deleted\n  \
             layers cost as stored ones until their old versions expire.\n\
             - Machines in a VPC reach S3 through a gateway endpoint, which is free. Through a NAT gateway each GB of a pull\n  \
             costs extra, from here as from ECR.\n\
             - The gateway's own answers, some 15 KB for each pull, and taxes are left out.\n",
            number(functions.memory_gb),
            count(functions.log_bytes),
        )
    }

    fn prices(&self) -> String {
        let prices = &self.inputs.prices;
        let mut text = format!(
            "## Prices\n\
             \n\
             First tiers, {}. Most prices move with the region; those that do not, as far as is known, say so.\n\
             \n\
             | | price | |\n\
             |---|---|---|\n",
            prices.region,
        );
        for (name, price) in prices.all() {
            let same = if price.everywhere { ", the same everywhere" } else { "" };
            let _ = writeln!(text, "| {name} | {price}{same} | [page]({}) |", price.page);
        }
        text
    }

    fn image_gb(&self) -> f64 {
        self.inputs.uses.image.layers * self.inputs.uses.image.layer_mb / 1e3
    }
}

/// A bill, at list prices and beyond what is free.
fn two_columns(text: &mut String, bill: &Bill) {
    for line in bill.lines().iter().filter(|line| line.usd >= 0.005) {
        let _ = writeln!(text, "| {} | {} | {} |", line.service, dollars(line.usd), dollars(line.beyond_free));
    }
    let _ = writeln!(text, "| **all** | **{}** | **{}** |", dollars(bill.usd()), dollars(bill.beyond_free()));
}

/// Which of two is cheaper, said so.
fn compare(other: &str, others: f64, ours: f64) -> String {
    if others < ours {
        format!("**{other} is cheaper here, by {}.**", dollars(ours - others))
    } else {
        format!("{other} costs {} more.", dollars(others - ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cheaper_is_said() {
        assert_eq!(compare("ECR", 5.0, 6.5), "**ECR is cheaper here, by $1.50.**");
        assert_eq!(compare("ECR", 5.0, 3.0), "ECR costs $2.00 more.");
    }
}
