"""Lots and shippers as they are compared: in capitals, without blanks. What was written stays as it was written.

The database derives the columns from what stands in the row, of old rows as well: no row is written, no history grows.
They are plain columns and no expressions in an index, because row policies let only plain comparisons use an index.
"""

from django.db import migrations

COMPARED = (
    ("custody_shipment", "shipper_code", "shipper_compared"),
    ("custody_shipperswap", "was_shipper_code", "was_shipper_compared"),
    ("custody_container", "lot", "lot_compared"),
    ("custody_stockunit", "lot", "lot_compared"),
)
FORWARD = [
    statement
    for table, column, compared in COMPARED
    for statement in (
        f"alter table {table} add column {compared} text"
        rf" generated always as (upper(regexp_replace({column}, '\s', '', 'g'))) stored",
        f"create index {table}_{compared} on {table} ({compared}) where {compared} <> ''",
    )
]
BACKWARD = [f"alter table {table} drop column {compared}" for table, _, compared in COMPARED]


class Migration(migrations.Migration):
    dependencies = [("custody", "0017_labels_of_samples")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
