import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
import ledger.identifiers
import simple_history.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('heads', models.JSONField(help_text='stream id -> [sequence, hash], of streams written to since the one before')),
                ('previous', models.CharField(blank=True, help_text='digest of the checkpoint before', max_length=64)),
                ('digest', models.CharField(max_length=64)),
                ('signature', models.CharField(help_text='HMAC-SHA-256 under the checkpoint key', max_length=64)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField()),
                ('kind', models.CharField(max_length=64)),
                ('schema_version', models.PositiveSmallIntegerField(default=1)),
                ('audience', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=24), blank=True, default=list, size=None)),
                ('subject_type', models.CharField(blank=True, max_length=32)),
                ('subject_id', models.CharField(blank=True, max_length=64)),
                ('organization_id', models.UUIDField()),
                ('organization_name', models.CharField(max_length=200)),
                ('person_id', models.UUIDField(null=True)),
                ('person_name', models.CharField(blank=True, max_length=200)),
                ('key_id', models.UUIDField(null=True)),
                ('key_name', models.CharField(blank=True, max_length=200)),
                ('system_job', models.CharField(blank=True, max_length=64)),
                ('persona', models.CharField(blank=True, max_length=64)),
                ('capability', models.CharField(blank=True, max_length=64)),
                ('channel', models.CharField(choices=[('browser', 'Browser'), ('api', 'REST API'), ('job', 'Background job'), ('command', 'Command line')], max_length=16)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('correlation_id', models.UUIDField(null=True)),
                ('reason', models.TextField(blank=True)),
                ('occurred_at', models.DateTimeField()),
                ('zone', models.CharField(default='UTC', max_length=64)),
                ('device_time', models.DateTimeField(null=True)),
                ('recorded_at', models.DateTimeField()),
                ('payload', models.JSONField(default=dict)),
                ('synthetic', models.BooleanField(default=False)),
                ('rows_digest', models.CharField(blank=True, max_length=64)),
                ('previous_hash', models.CharField(blank=True, max_length=64)),
                ('canonical', models.TextField()),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalPartnership',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('viewer_id', models.UUIDField()),
                ('organization_id', models.UUIDField()),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
            ],
            options={
                'verbose_name': 'historical partnership',
                'verbose_name_plural': 'historical partnerships',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('event_id', models.UUIDField()),
                ('organization_id', models.UUIDField()),
                ('due_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('dead_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'indexes': [models.Index(condition=models.Q(('dead_at__isnull', True), ('sent_at__isnull', True)), fields=['due_at'], name='ledger_outbox_due')],
                'constraints': [models.UniqueConstraint(fields=('event_id', 'organization_id'), name='ledger_outbox_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Partnership',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('viewer_id', models.UUIDField()),
                ('organization_id', models.UUIDField()),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('viewer_id', 'organization_id'), name='ledger_partnership_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Replay',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization_id', models.UUIDField()),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.CharField(max_length=64)),
                ('result', models.JSONField(null=True)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('organization_id', 'key'), name='ledger_replay_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Stream',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('order', 'Order'), ('organization', 'Organization'), ('system', 'System')], max_length=16)),
                ('organization_id', models.UUIDField(help_text='who opened the stream')),
                ('party_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('head_seq', models.BigIntegerField(default=0)),
                ('head_hash', models.CharField(default='', max_length=64)),
                ('synthetic', models.BooleanField(default=False)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'indexes': [models.Index(fields=['organization_id', 'kind'], name='ledger_stre_organiz_d58f2b_idx')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalParty',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('organization_id', models.UUIDField()),
                ('role', models.CharField(choices=[('treatment_center', 'Treatment center'), ('manufacturer', 'Manufacturer'), ('cmo', 'Contract manufacturer'), ('courier', 'Courier')], max_length=24)),
                ('site_id', models.UUIDField(blank=True, null=True)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('stream', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.stream')),
            ],
            options={
                'verbose_name': 'historical party',
                'verbose_name_plural': 'historical partys',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalGrant',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('organization_id', models.UUIDField()),
                ('granted_by_id', models.UUIDField(help_text='organization that granted')),
                ('person_id', models.UUIDField(blank=True, null=True)),
                ('until', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.TextField()),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('stream', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.stream')),
            ],
            options={
                'verbose_name': 'historical grant',
                'verbose_name_plural': 'historical grants',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddField(
            model_name='event',
            name='stream',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='ledger.stream'),
        ),
        migrations.CreateModel(
            name='Signature',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('person_id', models.UUIDField()),
                ('person_name', models.CharField(max_length=200)),
                ('organization_id', models.UUIDField()),
                ('organization_name', models.CharField(max_length=200)),
                ('persona', models.CharField(max_length=64)),
                ('capability', models.CharField(max_length=64)),
                ('method', models.CharField(max_length=32)),
                ('meaning', models.CharField(max_length=64)),
                ('content_hash', models.CharField(max_length=64)),
                ('signed_at', models.DateTimeField()),
                ('zone', models.CharField(max_length=64)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='ledger.event')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.stream')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('event', 'position'), name='ledger_signature_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Party',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization_id', models.UUIDField()),
                ('role', models.CharField(choices=[('treatment_center', 'Treatment center'), ('manufacturer', 'Manufacturer'), ('cmo', 'Contract manufacturer'), ('courier', 'Courier')], max_length=24)),
                ('site_id', models.UUIDField(blank=True, null=True)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parties', to='ledger.stream')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'indexes': [models.Index(fields=['organization_id', 'stream'], name='ledger_party_of')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('until__isnull', True)), fields=('stream', 'organization_id', 'role'), name='ledger_party_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization_id', models.UUIDField()),
                ('granted_by_id', models.UUIDField(help_text='organization that granted')),
                ('person_id', models.UUIDField(blank=True, null=True)),
                ('until', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.TextField()),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='ledger.stream')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'indexes': [models.Index(fields=['organization_id', 'until'], name='ledger_gran_organiz_66db2c_idx')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['stream', '-seq'], name='ledger_even_stream__8a0069_idx'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['kind', 'recorded_at'], name='ledger_even_kind_1dc049_idx'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.UniqueConstraint(fields=('stream', 'seq'), name='ledger_event_once'),
        ),
    ]
