-- One row for each order and customer: no doubles, amounts in euro, tidy names, unusable addresses left empty.

CREATE MACRO euros(amount, currency) AS
    round(replace(amount, ',', '.')::DECIMAL(12, 2) / CASE currency WHEN 'CZK' THEN 24.6 ELSE 1 END, 2)::DECIMAL(12, 2);

CREATE TABLE orders AS
SELECT order_id, customer_id, ordered_at::TIMESTAMP::DATE AS day, status, channel, euros(amount, currency) AS amount
FROM raw_orders
WHERE amount <> ''
QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY ordered_at DESC) = 1;

CREATE TABLE customers AS
SELECT
    customer_id,
    regexp_replace(trim(name), '\s+', ' ', 'g') AS name,
    CASE WHEN regexp_full_match(email, '[^@\s]+@[^@\s]+\.[a-z]{2,}') THEN email ELSE '' END AS email,
    upper(country) AS country,
    region,
    signed_up_on::DATE AS signed_up_on,
    segment
FROM raw_customers
QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY signed_up_on DESC) = 1;
