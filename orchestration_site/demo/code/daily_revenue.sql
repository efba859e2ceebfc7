-- Revenue per day and region with the mean of the last seven days, and per month against what finance has planned.

CREATE TABLE sales AS
SELECT day, region, amount
FROM orders JOIN customers USING (customer_id)
WHERE status = 'paid';

CREATE TABLE daily_revenue AS
SELECT
    day,
    region,
    revenue,
    orders,
    round(avg(revenue) OVER (PARTITION BY region ORDER BY day ROWS 6 PRECEDING), 2) AS last_seven_days
FROM (SELECT day, region, sum(amount) AS revenue, count(*) AS orders FROM sales GROUP BY ALL)
ORDER BY day, region;

CREATE TABLE plan_fulfilment AS
SELECT month, region, target, revenue, round(100 * revenue / target, 1) AS percent
FROM targets
JOIN (SELECT strftime(day, '%Y-%m') AS month, region, sum(amount) AS revenue FROM sales GROUP BY ALL) USING (month, region)
ORDER BY month, region;
