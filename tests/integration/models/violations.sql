-- One section breaks one invariant, in one row, of the shop in orders_in_every_state.py.
-- :order_confirmed and the like stand for the ids there.

-- breaks: stock_within_bounds
ALTER TABLE stock DROP CONSTRAINT ck_stock_reserved_within_on_hand;
INSERT INTO variants (id, product_id, sku, title, attributes, status, position)
SELECT id || 'x', product_id, 'OTHER', title, attributes, status, 1 FROM variants;
INSERT INTO stock (warehouse_id, sku, on_hand, reserved) VALUES (:warehouse, 'OTHER', 0, 0);
UPDATE stock SET reserved = 1 WHERE sku = 'OTHER';
INSERT INTO reservation_lines (order_id, warehouse_id, sku, quantity, status)
VALUES ('ord_not_here', :warehouse, 'OTHER', 1, 'held');

-- breaks: reserved_is_open_lines
UPDATE stock SET reserved = reserved + 1;

-- breaks: on_hand_is_movements
UPDATE stock SET on_hand = on_hand + 1;

-- breaks: confirmed_order_is_reserved
INSERT INTO reservation_lines (order_id, warehouse_id, sku, quantity, status)
VALUES (:order_shipped, :warehouse, 'TEE', 1, 'consumed');

-- breaks: confirmed_order_is_reserved
UPDATE reservation_lines SET status = 'released' WHERE order_id = :order_confirmed;
UPDATE stock SET reserved = reserved - 2;

-- breaks: confirmed_order_is_reserved
UPDATE order_items SET quantity = 3, total_amount = unit_price_amount * 3
WHERE order_id = :order_confirmed;
UPDATE orders SET subtotal_amount = 3 * 1999, total_amount = total_amount + 1999
WHERE id = :order_confirmed;
UPDATE payments SET amount = amount + 1999, authorized_amount = authorized_amount + 1999
WHERE order_id = :order_confirmed;

-- breaks: confirmed_order_is_reserved
INSERT INTO backorders (order_id, sku, number, quantity, status)
VALUES (:order_confirmed, 'TEE', 1, 1, 'waiting');

-- breaks: confirmed_order_is_reserved
INSERT INTO shipments (id, order_id, number, vendor_id, warehouse_id, status, capture_amount,
    purpose)
VALUES ('shp_instead', :order_confirmed, 7, :vendor, :warehouse, 'planned', 0, 'replacement');
UPDATE shipments SET replaces_id = 'shp_instead' WHERE id = 'shp_instead';
UPDATE reservation_lines SET shipment_id = 'shp_instead' WHERE order_id = :order_confirmed;
INSERT INTO shipment_items (shipment_id, item_id, sku, quantity)
SELECT 'shp_instead', id, sku, quantity FROM order_items WHERE order_id = :order_confirmed;

-- breaks: ended_order_waits_for_nothing
INSERT INTO backorders (order_id, sku, number, quantity, status)
VALUES (:order_failed, 'TEE', 1, 1, 'waiting');

-- breaks: ended_order_waits_for_nothing
INSERT INTO backorders (order_id, sku, number, quantity, status)
VALUES ('ord_not_here', 'TEE', 1, 1, 'waiting');

-- breaks: transfer_is_its_movements
INSERT INTO stock_transfers (id, from_warehouse_id, to_warehouse_id, status, items, actor, reason)
VALUES ('trf_1', :warehouse, :warehouse, 'in_transit', '[{"sku": "TEE", "quantity": 3}]', 'x', '');

-- breaks: transfer_is_its_movements
INSERT INTO stock_transfers (id, from_warehouse_id, to_warehouse_id, status, items, actor, reason)
VALUES ('trf_1', :warehouse, :warehouse, 'received', '[{"sku": "TEE", "quantity": 3}]', 'x', '');
INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)
VALUES (:warehouse, 'TEE', -3, 'transfer_out', concat_ws(chr(58), 'transfer', 'trf_1', 'out', 'TEE'), 'x'),
    (:warehouse, 'TEE', 2, 'transfer_in', concat_ws(chr(58), 'transfer', 'trf_1', 'in', 'TEE'), 'x');
UPDATE stock SET on_hand = on_hand - 1;

-- breaks: transfer_is_its_movements
INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)
VALUES (:warehouse, 'TEE', 2, 'transfer_in', concat_ws(chr(58), 'transfer', 'trf_1', 'in', 'TEE'), 'x');
UPDATE stock SET on_hand = on_hand + 2;

-- breaks: stock_alerts_are_told
UPDATE variants SET stock_alerts = 1;

-- breaks: stock_alerts_are_told
UPDATE variants SET stock_alerts = 1;
INSERT INTO outbox (aggregate_id, sequence, type, payload)
SELECT id, 1, 'stock.recovered', '{}' FROM variants;

-- breaks: ended_order_holds_no_stock
UPDATE reservation_lines SET status = 'committed' WHERE order_id = :order_failed;
UPDATE stock SET reserved = reserved + 2;

-- breaks: ended_order_holds_no_stock
UPDATE reservation_lines SET status = 'committed' WHERE order_id = :order_shipped;
UPDATE stock SET reserved = reserved + 2;

-- breaks: ended_hold_holds_no_stock
UPDATE holds SET status = 'released' WHERE id = :hold;

-- breaks: hold_ends_at_its_deadline
UPDATE holds SET expires_at = now() - interval '61 seconds' WHERE id = :hold;

-- breaks: hold_ends_at_its_deadline
UPDATE reservation_lines SET expires_at = now() - interval '61 seconds'
WHERE order_id = :order_requires_action;

-- breaks: payment_within_bounds
ALTER TABLE payments DROP CONSTRAINT ck_payments_captured_within_authorized;
UPDATE payments SET authorized_amount = captured_amount - 1 WHERE id = :payment_shipped;

-- breaks: payment_within_bounds
UPDATE payments SET authorized_amount = amount + 1 WHERE order_id = :order_confirmed;

-- breaks: payment_within_bounds
ALTER TABLE payments DROP CONSTRAINT ck_payments_refunded_within_captured;
UPDATE payments SET refunded_amount = :total + 1, status = 'refunded'
WHERE order_id = :order_shipped;
UPDATE orders SET payment_status = 'refunded' WHERE id = :order_shipped;
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_shipped, :total + 1, 'USD', 'succeeded', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_shipped, :total + 1, 'succeeded');

-- breaks: captured_has_reservation
UPDATE payments SET captured_amount = 5, authorized_amount = 5, refunded_amount = 5,
    status = 'refunded' WHERE order_id = :order_failed;
UPDATE orders SET payment_status = 'refunded' WHERE id = :order_failed;
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_failed, 5, 'USD', 'succeeded', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_failed, 5, 'succeeded');
INSERT INTO captures (payment_id, number, amount) VALUES (:payment_failed, 1, 5);

-- breaks: captured_is_captures
INSERT INTO captures (payment_id, number, amount) VALUES (:payment_shipped, 2, 7);

-- breaks: captured_is_captures
UPDATE payments SET captured_amount = 1, status = 'partially_captured'
WHERE order_id = :order_confirmed;
UPDATE orders SET payment_status = 'partially_captured' WHERE id = :order_confirmed;

-- breaks: planned_within_authorized
INSERT INTO captures (payment_id, number, amount, status)
VALUES (:payment_processing, 1, :total + 1, 'planned');

-- breaks: payment_shows_its_amounts
UPDATE payments SET status = 'partially_captured' WHERE id = :payment_shipped;

-- breaks: payment_shows_its_amounts
UPDATE payments SET status = 'captured', refunded_amount = 100 WHERE id = :payment_shipped;
UPDATE orders SET payment_status = 'partially_refunded' WHERE id = :order_shipped;
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_shipped, 100, 'USD', 'succeeded', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_shipped, 100, 'succeeded');

-- breaks: confirmed_order_is_paid
UPDATE payments SET currency = 'EUR' WHERE order_id = :order_confirmed;

-- breaks: confirmed_order_is_paid
UPDATE payments SET authorized_amount = authorized_amount - 1 WHERE order_id = :order_processing;

-- breaks: refunded_is_refunds
UPDATE payments SET refunded_amount = 1, status = 'partially_refunded' WHERE id = :payment_shipped;
UPDATE orders SET payment_status = 'partially_refunded' WHERE id = :order_shipped;

-- breaks: refunded_is_refunds
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_shipped, :total + 1, 'USD', 'pending', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_shipped, :total + 1, 'pending');

-- breaks: refund_is_its_parts
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_shipped, 2, 'USD', 'pending', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_shipped, 1, 'pending');

-- breaks: refund_is_its_parts
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_shipped, 1, 'USD', 'succeeded', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_shipped, 1, 'pending');

-- breaks: ended_order_keeps_no_money
UPDATE payments SET status = 'authorized' WHERE order_id = :order_failed;
UPDATE orders SET payment_status = 'authorized' WHERE id = :order_failed;

-- breaks: ended_order_keeps_no_money
UPDATE payments SET status = 'unknown' WHERE order_id = :order_failed;
UPDATE orders SET payment_status = 'pending' WHERE id = :order_failed;

-- breaks: order_shows_its_payment
UPDATE orders SET payment_status = 'pending' WHERE id = :order_confirmed;

-- breaks: order_shows_its_payment
INSERT INTO payments (id, order_id, attempt, provider, payment_method, status, currency,
    amount, authorized_amount, captured_amount, refunded_amount)
VALUES ('pay_second', :order_shipped, 2, 'stripe', 'pm', 'authorized', 'USD', 1, 1, 0, 0);

-- breaks: order_adds_up
UPDATE order_items SET total_amount = total_amount + 1 WHERE order_id = :order_confirmed;

-- breaks: order_adds_up
UPDATE order_items SET unit_price_amount = 1 WHERE order_id = :order_confirmed;

-- breaks: order_adds_up
UPDATE order_items SET tax_amount = 226 WHERE order_id = :order_confirmed;

-- breaks: order_adds_up
UPDATE order_items SET discount_amount = 1 WHERE order_id = :order_confirmed;

-- breaks: order_adds_up
UPDATE orders SET shipping_tax_amount = 0 WHERE id = :order_confirmed;

-- breaks: order_adds_up
UPDATE orders SET shipping_discount_amount = 501, discount_amount = 501,
    total_amount = total_amount - 501 WHERE id = :order_pending;

-- breaks: used_is_open_uses
UPDATE promotions SET used = 1;

-- breaks: used_is_open_uses
UPDATE promotion_uses SET status = 'released' WHERE order_id = :order_pending;

-- breaks: used_is_open_uses
ALTER TABLE promotions DROP CONSTRAINT ck_promotions_used_within_limit;
UPDATE promotions SET usage_limit = 1;

-- breaks: ended_order_uses_no_promotion
UPDATE promotion_uses SET status = 'used' WHERE order_id = :order_failed;
UPDATE promotions SET used = 3, usage_limit = 3;

-- breaks: confirmed_order_used_its_promotions
UPDATE promotion_uses SET status = 'reserved' WHERE order_id = :order_confirmed;

-- breaks: order_adds_up
DELETE FROM order_items WHERE order_id = :order_pending;

-- breaks: shipments_share_the_total
UPDATE shipments SET capture_amount = capture_amount - 1 WHERE id = :shipment_processing;

-- breaks: shipments_carry_every_item
UPDATE shipment_items SET quantity = 1 WHERE shipment_id = :shipment_shipped;
UPDATE reservation_lines SET quantity = 1 WHERE shipment_id = :shipment_shipped;
INSERT INTO reservation_lines (order_id, warehouse_id, sku, quantity, status)
VALUES (:order_shipped, :warehouse, 'TEE', 1, 'consumed');

-- breaks: shipments_carry_every_item
DELETE FROM shipment_items WHERE shipment_id = :shipment_shipped;
UPDATE reservation_lines SET shipment_id = NULL WHERE shipment_id = :shipment_shipped;

-- breaks: parcel_is_reserved
UPDATE reservation_lines SET shipment_id = NULL WHERE shipment_id = :shipment_shipped;

-- breaks: canceled_parcel_stays
INSERT INTO shipments (id, order_id, number, vendor_id, warehouse_id, status, capture_amount,
    handed_over_at)
VALUES ('shp_gone', :order_shipped, 7, :vendor, :warehouse, 'canceled', 0, now());

-- breaks: replacement_is_free
INSERT INTO shipments (id, order_id, number, vendor_id, warehouse_id, status, capture_amount,
    purpose, replaces_id)
VALUES ('shp_again', :order_shipped, 7, :vendor, :warehouse, 'planned', 1, 'replacement',
    :shipment_shipped);

-- breaks: replacement_is_free
INSERT INTO shipments (id, order_id, number, vendor_id, warehouse_id, status, capture_amount,
    purpose, replaces_id)
VALUES ('shp_again', :order_shipped, 7, :vendor, :warehouse, 'planned', 0, 'replacement',
    :shipment_processing);

-- breaks: nothing_leaves_unpaid
UPDATE captures SET number = 2 WHERE payment_id = :payment_shipped;

-- breaks: order_shows_its_shipments
UPDATE orders SET fulfillment_status = 'unfulfilled' WHERE id = :order_shipped;

-- breaks: order_shows_its_shipments
UPDATE orders SET fulfillment_status = 'shipped' WHERE id = :order_processing;

-- breaks: order_shows_its_shipments
INSERT INTO shipments (id, order_id, number, vendor_id, warehouse_id, status, capture_amount)
VALUES ('shp_second', :order_shipped, 2, :vendor, :warehouse, 'planned', 0);

-- breaks: returned_is_inspected
UPDATE order_items SET returned_quantity = 1 WHERE order_id = :order_delivered;

-- breaks: returned_was_delivered
INSERT INTO returns (id, order_id, customer_id, status)
VALUES ('ret_1', :order_shipped, :customer, 'requested');
INSERT INTO return_items (return_id, item_id, quantity, reason)
SELECT 'ret_1', id, 1, 'other' FROM order_items WHERE order_id = :order_shipped;

-- breaks: returned_was_delivered
INSERT INTO returns (id, order_id, customer_id, status)
VALUES ('ret_1', :order_delivered, :customer, 'requested'),
    ('ret_2', :order_delivered, :customer, 'in_transit');
INSERT INTO return_items (return_id, item_id, quantity, reason)
SELECT r.id, i.id, CASE r.id WHEN 'ret_1' THEN 1 ELSE 2 END, 'other'
FROM order_items i JOIN returns r USING (order_id);

-- breaks: returned_goods_are_in_the_ledger
INSERT INTO returns (id, order_id, customer_id, status)
VALUES ('ret_1', :order_delivered, :customer, 'refunded');
INSERT INTO return_items (return_id, item_id, quantity, reason, sellable_quantity)
SELECT 'ret_1', id, 1, 'other', 1 FROM order_items WHERE order_id = :order_delivered;
UPDATE order_items SET returned_quantity = 1 WHERE order_id = :order_delivered;

-- breaks: settled_return_has_its_refund
INSERT INTO returns (id, order_id, customer_id, status, refund_amount)
VALUES ('ret_1', :order_delivered, :customer, 'refunded', 1999);

-- breaks: settled_return_has_its_refund
INSERT INTO returns (id, order_id, customer_id, status, refund_amount, refund_id)
VALUES ('ret_1', :order_delivered, :customer, 'refunded', 1999, 'rfd_1');
INSERT INTO refunds (id, order_id, return_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_delivered, 'ret_1', 1999, 'USD', 'pending', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_delivered, 1999, 'pending');

-- breaks: return_refunds_what_its_goods_cost
INSERT INTO returns (id, order_id, customer_id, status, refund_amount, refund_id)
VALUES ('ret_1', :order_delivered, :customer, 'refunded', :total + 1, 'rfd_1');
INSERT INTO refunds (id, order_id, return_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_delivered, 'ret_1', :total + 1, 'USD', 'failed', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_delivered, :total + 1, 'failed');
INSERT INTO return_items (return_id, item_id, quantity, reason, sellable_quantity)
SELECT 'ret_1', id, 1, 'other', 1 FROM order_items WHERE order_id = :order_delivered;
UPDATE order_items SET returned_quantity = 1 WHERE order_id = :order_delivered;
INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)
VALUES (:warehouse, 'TEE', 1, 'returned', concat_ws(chr(58), 'return', 'ret_1', 'itm_1'), 'system');
UPDATE stock SET on_hand = on_hand + 1 WHERE sku = 'TEE';

-- breaks: timeline_has_no_gap
UPDATE orders SET version = version + 1 WHERE id = :order_confirmed;

-- breaks: timeline_has_no_gap
ALTER TABLE order_timeline DISABLE TRIGGER USER;
UPDATE order_timeline SET sequence = 9 WHERE order_id = :order_confirmed AND sequence = 2;
UPDATE outbox SET sequence = 9 WHERE aggregate_id = :order_confirmed AND sequence = 2;

-- breaks: timeline_has_no_gap
ALTER TABLE order_timeline DISABLE TRIGGER USER;
DELETE FROM order_timeline WHERE order_id = :order_confirmed AND sequence = 2;
DELETE FROM outbox WHERE aggregate_id = :order_confirmed AND sequence = 2;

-- breaks: outbox_is_the_timeline
DELETE FROM outbox WHERE aggregate_id = :order_confirmed AND sequence = 4;

-- breaks: outbox_is_the_timeline
INSERT INTO outbox (aggregate_id, sequence, type, payload)
VALUES (:order_confirmed, 5, 'order.shipped', '{}');

-- breaks: outbox_is_the_timeline
UPDATE outbox SET type = 'order.failed' WHERE aggregate_id = :order_confirmed AND sequence = 4;

-- breaks: status_is_in_the_timeline
ALTER TABLE order_timeline DISABLE TRIGGER USER;
UPDATE order_timeline SET type = 'stock.reserved'
WHERE order_id = :order_confirmed AND type = 'order.confirmed';
UPDATE outbox SET type = 'stock.reserved'
WHERE aggregate_id = :order_confirmed AND type = 'order.confirmed';

-- breaks: order_is_its_draft
DELETE FROM checkout_drafts WHERE order_id = :order_confirmed;

-- breaks: order_is_its_draft
UPDATE checkout_drafts SET number = 77 WHERE order_id = :order_confirmed;

-- breaks: order_is_its_draft
UPDATE checkout_drafts SET customer_id = 'usr_x' WHERE order_id = :order_confirmed;

-- breaks: one_key_one_order
DELETE FROM idempotency_keys WHERE resource_id = :order_confirmed;

-- breaks: one_key_one_order
UPDATE idempotency_keys SET caller_id = 'usr_x' WHERE resource_id = :order_confirmed;

-- breaks: one_key_one_order
ALTER TABLE idempotency_keys DROP CONSTRAINT uq_idempotency_keys_resource_id;
INSERT INTO idempotency_keys (caller_id, key, request_hash, resource_id)
VALUES (:customer, 'second', 'hash', :order_confirmed);

-- breaks: event_is_dealt_with
INSERT INTO webhook_events (provider, event_id, type, object_id, payload, received_at)
VALUES ('stripe', 'evt_1', 'payment_intent.succeeded', 'pi_1', '{}', now() - interval '16 minutes');

-- breaks: cart_has_its_order
INSERT INTO carts (id, token_hash, currency, status, order_id, expires_at)
VALUES ('crt_1', 'hash', 'USD', 'ordered', 'ord_nowhere', now());

-- breaks: cart_has_its_order
INSERT INTO carts (id, customer_id, currency, status, order_id, expires_at)
VALUES ('crt_1', 'usr_x', 'USD', 'ordered', :order_confirmed, now());

-- breaks: cart_is_ordered_once
INSERT INTO carts (id, token_hash, currency, status, order_id, expires_at)
VALUES ('crt_1', 'hash', 'USD', 'ordered', :order_confirmed, now()),
    ('crt_2', 'hash', 'USD', 'ordered', :order_confirmed, now());

-- breaks: cart_is_ordered_once
UPDATE orders SET customer_id = 'crt_1', email = 'ada@shop.perdure.dev'
WHERE id IN (:order_confirmed, :order_delivered, :order_failed);
UPDATE checkout_drafts SET customer_id = 'crt_1'
WHERE order_id IN (:order_confirmed, :order_delivered, :order_failed);
UPDATE idempotency_keys SET caller_id = 'crt_1'
WHERE resource_id IN (:order_confirmed, :order_delivered, :order_failed);

-- breaks: guest_can_be_written_to
UPDATE orders SET customer_id = 'crt_1' WHERE id = :order_confirmed;
UPDATE checkout_drafts SET customer_id = 'crt_1' WHERE order_id = :order_confirmed;
UPDATE idempotency_keys SET caller_id = 'crt_1' WHERE resource_id = :order_confirmed;
-- breaks: ended_order_is_not_parked
INSERT INTO order_waits (order_id, workflow_id, what, since_at, attempts, last_error, actions)
VALUES (:order_canceled, 'checkout/' || :order_canceled, 'payment void', now(), 1, 'down', '[]');
UPDATE orders SET waiting_for = '{"what": "payment void", "attempts": 1}'
WHERE id = :order_canceled;
-- breaks: oldest_wait_is_shown
UPDATE orders SET waiting_for = '{"what": "rain", "attempts": 1}' WHERE id = :order_confirmed;
-- breaks: oldest_wait_is_shown
INSERT INTO order_waits (order_id, workflow_id, what, since_at, attempts, last_error, actions)
VALUES (:order_confirmed, 'shipment/shp_1', 'carrier booking', now(), 2, 'down', '["retry"]'),
    (:order_confirmed, 'shipment/shp_2', 'hand-over', now() - interval '1 hour', 1, 'down', '[]');
UPDATE orders SET waiting_for = '{"what": "carrier booking", "attempts": 2}'
WHERE id = :order_confirmed;
-- breaks: every_step_has_an_actor
ALTER TABLE order_timeline DISABLE TRIGGER USER;
UPDATE order_timeline SET actor = '' WHERE order_id = :order_pending AND sequence = 1;

-- breaks: disputed_is_disputes
UPDATE payments SET disputed_amount = 5, status = 'partially_refunded'
WHERE order_id = :order_completed;
UPDATE orders SET payment_status = 'partially_refunded' WHERE id = :order_completed;
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('x', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('x', 0, 'dispute_losses', '', 'USD', 5), ('x', 1, 'provider_balance', 'stripe', 'USD', -5);

-- breaks: dispute_marks_its_payment
UPDATE payments SET status = 'disputed' WHERE order_id = :order_completed;
UPDATE orders SET payment_status = 'disputed' WHERE id = :order_completed;

-- breaks: dispute_is_of_its_payment
UPDATE disputes SET currency = 'EUR';

-- breaks: held_within_dispute
UPDATE disputes SET held = '[{"vendor_id": "ven_1", "amount": 101}]';

-- breaks: held_within_dispute
UPDATE disputes SET inquiry = true;

-- breaks: ledger_holds_open_disputes
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('x', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('x', 0, 'disputes', 'stripe', 'USD', 5), ('x', 1, 'dispute_losses', '', 'USD', -5);

-- breaks: ledger_holds_shares_back
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('x', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('x', 0, 'vendor_held', :vendor, 'USD', 5), ('x', 1, 'dispute_losses', '', 'USD', -5);

-- breaks: dispute_shows_its_end
UPDATE disputes SET closed_at = NULL;

-- breaks: dispute_shows_its_end
UPDATE disputes SET status = 'lost', withdrawn = false, held = '[]';

-- breaks: posting_balances
ALTER TABLE ledger_entries DISABLE TRIGGER USER;
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
SELECT key, 9, 'suspense', 'stripe', 'USD', 1 FROM ledger_postings
WHERE kind = 'authorization' AND reference = :payment_shipped;

-- breaks: posting_balances
ALTER TABLE ledger_entries DISABLE TRIGGER USER;
ALTER TABLE ledger_postings DISABLE TRIGGER USER;
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('1', 'payout', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('1', 0, 'bank', '', 'USD', 1), ('1', 1, 'suspense', 'stripe', 'EUR', -1);

-- breaks: posting_balances
ALTER TABLE ledger_postings DISABLE TRIGGER USER;
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('1', 'payout', 'USD', '');

-- breaks: ledger_has_what_is_authorized
INSERT INTO payments (id, order_id, attempt, provider, payment_method, status, currency,
    amount, authorized_amount, captured_amount, refunded_amount)
VALUES ('pay_second', :order_confirmed, 2, 'stripe', 'pm', 'authorized', 'USD', 1, 1, 0, 0);

-- breaks: ledger_has_what_is_authorized
INSERT INTO ledger_postings (key, kind, currency, order_id, reference)
VALUES ('again', 'authorization', 'USD', :order_failed, '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('again', 0, 'authorized', 'stripe', 'USD', 1),
    ('again', 1, 'authorizations', '', 'USD', -1);

-- breaks: ledger_has_what_is_paid
UPDATE payments SET refunded_amount = 1, status = 'partially_refunded' WHERE id = :payment_shipped;
UPDATE orders SET payment_status = 'partially_refunded' WHERE id = :order_shipped;
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES ('rfd_1', :order_shipped, 1, 'USD', 'succeeded', '', 'system', '[]');
INSERT INTO refund_parts (refund_id, payment_id, amount, status)
VALUES ('rfd_1', :payment_shipped, 1, 'succeeded');

-- breaks: customer_owes_nothing
INSERT INTO ledger_postings (key, kind, currency, order_id, reference)
VALUES ('again', 'capture', 'USD', :order_shipped, '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('again', 0, 'customer_receivable', '', 'USD', 1), ('again', 1, 'shipping', '', 'USD', -1);

-- breaks: vendor_bears_its_own_sales_at_most
INSERT INTO ledger_postings (key, kind, currency, order_id, reference)
VALUES ('again', 'refund', 'USD', :order_confirmed, '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('again', 0, 'vendor_payable', :vendor, 'USD', 1), ('again', 1, 'refunds', '', 'USD', -1);

-- breaks: settlement_is_its_lines
INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,
    sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount, amount)
VALUES ('stl_1', :vendor, 'USD', now(), now(), 'awaiting_approval', 5, 0, 0, 0, 0, 5);

-- breaks: settlement_is_its_lines
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('p', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('p', 0, 'suspense', 'stripe', 'USD', 5), ('p', 1, 'vendor_payable', :vendor, 'USD', -5);
INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,
    sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount, amount)
VALUES ('stl_1', :vendor, 'USD', now(), now(), 'canceled', 0, 0, 0, 0, 5, 5);
INSERT INTO settlement_lines (settlement_id, posting_key, position, kind, amount)
VALUES ('stl_1', 'p', 1, 'adjustment', 5);

-- breaks: settlement_is_its_lines
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('p', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('p', 0, 'suspense', 'stripe', 'USD', 5), ('p', 1, 'vendor_payable', :vendor, 'USD', -5);
INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,
    sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount, amount)
VALUES ('stl_1', :vendor, 'USD', now(), now(), 'awaiting_approval', 0, 1, 0, 0, 5, 5);
INSERT INTO settlement_lines (settlement_id, posting_key, position, kind, amount)
VALUES ('stl_1', 'p', 1, 'adjustment', 5);

-- breaks: line_is_its_entry
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('p', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('p', 0, 'suspense', 'stripe', 'USD', 5), ('p', 1, 'vendor_payable', 'ven_2', 'USD', -5);
INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,
    sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount, amount)
VALUES ('stl_1', :vendor, 'USD', now(), now(), 'awaiting_approval', 0, 0, 0, 0, 5, 5);
INSERT INTO settlement_lines (settlement_id, posting_key, position, kind, amount)
VALUES ('stl_1', 'p', 1, 'adjustment', 5);

-- breaks: entry_is_settled_once
DROP INDEX uq_settlement_lines_entry;
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('p', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('p', 0, 'suspense', 'stripe', 'USD', 5), ('p', 1, 'vendor_payable', :vendor, 'USD', -5);
INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,
    sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount, amount)
VALUES ('stl_1', :vendor, 'USD', now(), now(), 'awaiting_approval', 0, 0, 0, 0, 5, 5),
    ('stl_2', :vendor, 'USD', now(), now() + interval '1 s', 'awaiting_approval', 0, 0, 0, 0, 5, 5);
INSERT INTO settlement_lines (settlement_id, posting_key, position, kind, amount)
VALUES ('stl_1', 'p', 1, 'adjustment', 5), ('stl_2', 'p', 1, 'adjustment', 5);

-- breaks: paid_settlement_is_posted
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('p', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('p', 0, 'suspense', 'stripe', 'USD', 5), ('p', 1, 'vendor_payable', :vendor, 'USD', -5);
INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,
    sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount, amount)
VALUES ('stl_1', :vendor, 'USD', now(), now(), 'paid', 0, 0, 0, 0, 5, 5);
INSERT INTO settlement_lines (settlement_id, posting_key, position, kind, amount)
VALUES ('stl_1', 'p', 1, 'adjustment', 5);

-- breaks: settlement_is_approved
INSERT INTO ledger_postings (key, kind, currency, reference) VALUES ('p', 'adjustment', 'USD', '');
INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
VALUES ('p', 0, 'suspense', 'stripe', 'USD', 5), ('p', 1, 'vendor_payable', :vendor, 'USD', -5);
INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,
    sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount, amount,
    approvals_needed, created_by)
VALUES ('stl_1', :vendor, 'USD', now(), now(), 'approved', 0, 0, 0, 0, 5, 5, 1, 'usr_1');
INSERT INTO settlement_lines (settlement_id, posting_key, position, kind, amount)
VALUES ('stl_1', 'p', 1, 'adjustment', 5);
INSERT INTO settlement_approvals (settlement_id, actor) VALUES ('stl_1', 'usr_1');

-- breaks: version_is_the_last_event
ALTER TABLE products DISABLE TRIGGER products_change_told;
UPDATE products SET name = 'Untold';

-- breaks: version_is_the_last_event
UPDATE outbox SET sequence = 9 WHERE type = 'vendor.changed' AND aggregate_id = :vendor;

-- breaks: one_price_at_a_time
ALTER TABLE price_periods DROP CONSTRAINT ex_price_periods_one_at_a_time;
INSERT INTO variant_prices (variant_id, currency, amount) SELECT id, 'USD', 2 FROM variants;
INSERT INTO price_periods (id, variant_id, currency, amount, starts_at, ends_at)
SELECT period.id, v.id, 'USD', 1, now() + period.start, period.until FROM variants v, (VALUES
    ('prc_1', interval '1 day', NULL), ('prc_2', interval '2 days', now() + interval '3 days'),
    ('prc_3', interval '0 days', now() + interval '1 day')) AS period (id, start, until);

-- breaks: period_has_its_price
INSERT INTO price_periods (id, variant_id, currency, amount, starts_at)
SELECT 'prc_1', id, 'EUR', 1, now() FROM variants;

-- breaks: on_sale_as_approved
UPDATE products SET approval = 'rejected';

-- breaks: categories_are_a_tree
INSERT INTO categories (id, name, slug, parent_id) VALUES ('cat_1', 'C', 'c', 'cat_1');

-- breaks: categories_are_a_tree
INSERT INTO categories (id, name, slug, parent_id, deleted_at)
VALUES ('cat_1', 'C', 'c', NULL, now()), ('cat_2', 'D', 'd', 'cat_1', NULL);

-- breaks: forgotten_person_is_unknown
INSERT INTO users (id, email, name, role, disabled_at, erased_at)
VALUES ('usr_gone', 'gone@shop.perdure.dev', '', 'customer', now(), now());

-- breaks: forgotten_order_has_no_address
INSERT INTO users (id, name, role, disabled_at, erased_at)
VALUES ('usr_gone', '', 'customer', now(), now());
INSERT INTO erasures (id, user_id, status, actor, kept)
VALUES ('ers_1', 'usr_gone', 'done', 'staff', '{"orders": 1}');
UPDATE orders SET customer_id = 'usr_gone', shipping_address = '{"name": "Ada"}'
WHERE id = :order_completed;
UPDATE checkout_drafts SET customer_id = 'usr_gone' WHERE order_id = :order_completed;
UPDATE idempotency_keys SET caller_id = 'usr_gone' WHERE resource_id = :order_completed;

-- breaks: erasure_goes_on
INSERT INTO users (id, email, name, role, disabled_at)
VALUES ('usr_going', 'going@shop.perdure.dev', '', 'customer', now());
INSERT INTO erasures (id, user_id, status, actor, kept, created_at)
VALUES ('ers_1', 'usr_going', 'requested', 'staff', '{}', now() - interval '1 hour');

-- breaks: ended_session_has_no_token
INSERT INTO users (id, email, name, role)
VALUES ('usr_ada', 'ada@shop.perdure.dev', '', 'customer');
INSERT INTO sessions (id, user_id, method, device, address, reason, expires_at, revoked_at)
VALUES ('ses_1', 'usr_ada', 'password', '', '', '', now() + interval '1 day', now());
INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
VALUES ('hash', 'ses_1', 'usr_ada', now() + interval '1 day');

-- breaks: message_is_sent_or_shows_why_not
INSERT INTO account_messages (id, kind, channel, recipient, expires_at)
VALUES ('msg_1', 'verify_email', 'email', 'lost@shop.perdure.dev', now() - interval '1 hour');

-- breaks: job_is_its_parts
INSERT INTO jobs (id, kind, status, actor, parameters, position, done_rows)
VALUES ('job_1', 'import_products', 'running', 'system', '{}', 20, 20);
INSERT INTO job_parts (job_id, number, done_rows, failed_rows, errors)
VALUES ('job_1', 10, 10, 0, '[]');

-- breaks: done_job_has_done_all_rows
INSERT INTO jobs (id, kind, status, actor, parameters, position, done_rows, total_rows)
VALUES ('job_1', 'import_products', 'done', 'system', '{}', 20, 20, 30);
