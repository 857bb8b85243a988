import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
import ledger.identifiers
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('ledger', '0001_initial'),
        ('personas', '0001_initial'),
        ('personas', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('notice_id', models.UUIDField(blank=True, null=True)),
                ('webhook_id', models.UUIDField(blank=True, null=True)),
                ('event_id', models.UUIDField()),
                ('organization_id', models.UUIDField()),
                ('user_id', models.UUIDField(blank=True, null=True)),
                ('medium', models.CharField(choices=[('email', 'E-mail'), ('webhook', 'Webhook')], default='email', max_length=16)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('due_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('dead_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.CharField(blank=True, max_length=120)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'indexes': [models.Index(condition=models.Q(('dead_at__isnull', True), ('sent_at__isnull', True)), fields=['due_at'], name='notifications_delivery_due'), models.Index(condition=models.Q(('webhook_id__isnull', False)), fields=['webhook_id', '-id'], name='notifications_delivery_hook')],
                'constraints': [models.UniqueConstraint(fields=('event_id', 'user_id', 'organization_id', 'medium'), name='notifications_delivery_once'), models.UniqueConstraint(fields=('event_id', 'webhook_id'), name='notifications_webhook_delivery_once'), models.CheckConstraint(condition=models.Q(models.Q(('medium', 'email'), ('notice_id__isnull', False), ('user_id__isnull', False)), models.Q(('medium', 'webhook'), ('webhook_id__isnull', False)), _connector='OR'), name='notifications_delivery_addressed')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='EscalationDue',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('event_id', models.UUIDField()),
                ('organization_id', models.UUIDField()),
                ('due_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'indexes': [models.Index(condition=models.Q(('done_at__isnull', True)), fields=['due_at'], name='notifications_escalation_due')],
                'constraints': [models.UniqueConstraint(fields=('event_id', 'organization_id'), name='notifications_escalation_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='EscalationRule',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('minutes', models.PositiveSmallIntegerField()),
                ('persona', models.SlugField(max_length=64)),
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.organization')),
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
            name='HistoricalAbsence',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(help_text='the first moment back')),
                ('zone', models.CharField(help_text='IANA time zone of the days', max_length=64)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('deputy', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
                ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical absence',
                'verbose_name_plural': 'historical absences',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalEscalationRule',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('minutes', models.PositiveSmallIntegerField()),
                ('persona', models.SlugField(max_length=64)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
            ],
            options={
                'verbose_name': 'historical escalation rule',
                'verbose_name_plural': 'historical escalation rules',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPreferences',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('mail_tasks', models.BooleanField(default=True)),
                ('mail_news', models.BooleanField(default=True)),
                ('quiet_from', models.TimeField(blank=True, help_text='local time; both or neither', null=True)),
                ('quiet_until', models.TimeField(blank=True, null=True)),
                ('quiet_weekends', models.BooleanField(default=False, help_text='Saturday and Sunday, all day')),
                ('zone', models.CharField(help_text='IANA time zone of the quiet hours', max_length=64)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
                ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical preferences',
                'verbose_name_plural': 'historical preferencess',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalWebhook',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('name', models.CharField(max_length=120)),
                ('url', models.CharField(max_length=500)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='event kinds; empty: all', size=None)),
                ('active', models.BooleanField(default=True)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
            ],
            options={
                'verbose_name': 'historical webhook',
                'verbose_name_plural': 'historical webhooks',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('url', models.CharField(max_length=500)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='event kinds; empty: all', size=None)),
                ('active', models.BooleanField(default=True)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.organization')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('organization', 'url'), name='notifications_webhook_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='WebhookSecret',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('sealed', models.BinaryField()),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.organization')),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='secrets', to='notifications.webhook')),
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
            name='Absence',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(help_text='the first moment back')),
                ('zone', models.CharField(help_text='IANA time zone of the days', max_length=64)),
                ('deputy', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.organization')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('organization', 'user'), name='notifications_absence_once'), models.CheckConstraint(condition=models.Q(('until__gte', models.F('since'))), name='notifications_absence_order'), models.CheckConstraint(condition=models.Q(('deputy__isnull', True), models.Q(('deputy', models.F('user')), _negated=True), _connector='OR'), name='notifications_absence_deputy')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('event_id', models.UUIDField()),
                ('stream_id', models.UUIDField()),
                ('title', models.CharField(max_length=200)),
                ('path', models.CharField(help_text='where to act: an address on this site', max_length=300)),
                ('due', models.DateTimeField(blank=True, null=True)),
                ('critical', models.BooleanField(default=False, help_text='a patient may come to harm if it waits')),
                ('category', models.CharField(choices=[('task', 'A step waits for me'), ('news', 'An order of mine was stopped, changed or ended')], default='task', max_length=8)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('settled_at', models.DateTimeField(blank=True, help_text='when nothing was left to do about it', null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.organization')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'indexes': [models.Index(fields=['organization', 'user', '-id'], name='notifications_inbox'), models.Index(condition=models.Q(('read_at__isnull', True)), fields=['organization', 'user'], name='notifications_unread'), models.Index(condition=models.Q(('settled_at__isnull', True)), fields=['organization', 'stream_id'], name='notifications_unsettled')],
                'constraints': [models.UniqueConstraint(fields=('event_id', 'user', 'organization'), name='notifications_notice_once'), models.CheckConstraint(condition=models.Q(('path__regex', '^/($|[^/\\\\])')), name='notifications_notice_path')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Preferences',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('mail_tasks', models.BooleanField(default=True)),
                ('mail_news', models.BooleanField(default=True)),
                ('quiet_from', models.TimeField(blank=True, help_text='local time; both or neither', null=True)),
                ('quiet_until', models.TimeField(blank=True, null=True)),
                ('quiet_weekends', models.BooleanField(default=False, help_text='Saturday and Sunday, all day')),
                ('zone', models.CharField(help_text='IANA time zone of the quiet hours', max_length=64)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.organization')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('organization', 'user'), name='notifications_preferences_once'), models.CheckConstraint(condition=models.Q(models.Q(('quiet_from__isnull', True), ('quiet_until__isnull', True)), models.Q(('quiet_from__isnull', False), ('quiet_until__isnull', False)), _connector='OR'), name='notifications_quiet_both')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
    ]
