-- The best customers, and how many of those who came in one month came back in another.

CREATE TABLE top_customers AS
SELECT
    customer_id,
    any_value(name) AS name,
    any_value(region) AS region,
    any_value(segment) AS segment,
    count(*) AS orders,
    sum(amount) AS spent,
    max(day) AS last_order
FROM orders JOIN customers USING (customer_id)
WHERE status = 'paid'
GROUP BY customer_id
ORDER BY spent DESC, customer_id
LIMIT 50;

CREATE TABLE months AS
SELECT DISTINCT customer_id, strftime(day, '%Y-%m') AS month
FROM orders JOIN customers USING (customer_id)
WHERE status = 'paid';

CREATE TABLE cohorts AS
SELECT first_month, month, count(*) AS customers, round(100 * count(*) / any_value(size), 1) AS percent
FROM months
JOIN (SELECT customer_id, min(month) AS first_month FROM months GROUP BY customer_id) USING (customer_id)
JOIN (
    SELECT first_month, count(*) AS size
    FROM (SELECT min(month) AS first_month FROM months GROUP BY customer_id)
    GROUP BY first_month
) USING (first_month)
GROUP BY first_month, month
ORDER BY first_month, month;
