import django.contrib.auth.models
import django.contrib.auth.validators
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
        ('auth', '0012_alter_user_first_name_max_length'),
        ('ledger', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('role', models.CharField(choices=[('treatment_center', 'Treatment center'), ('manufacturer', 'Manufacturer'), ('cmo', 'Contract manufacturer'), ('courier', 'Courier')], max_length=24)),
                ('country', models.CharField(help_text='ISO 3166-1 alpha-2', max_length=2)),
                ('synthetic', models.BooleanField(default=False)),
                ('active', models.BooleanField(default=True)),
            ],
            options={
                'permissions': [('view_orders', 'See the orders of the organization'), ('view_record', 'Read the record of an order'), ('read_identity', 'Read the identifying data of own patients'), ('enrol_patient', 'Enrol a patient and open an order'), ('activate_coi', 'Activate a chain of identity as the second person'), ('record_consent', 'Record consent'), ('record_eligibility', 'Record eligibility'), ('prescribe', 'Prescribe a therapy'), ('book_slots', 'Search, hold and request slot chains'), ('confirm_slots', 'Confirm or decline requested slot chains'), ('accept_job', 'Accept or decline a transport job'), ('publish_capacity', 'Publish capacity'), ('set_quotas', 'Share capacity out in quotas'), ('set_lead_times', 'Override lead times of a market, a site, a therapy'), ('manage_waiting', 'Keep the waiting list and answer its offers'), ('score_waiting', 'Score who waits by the published criteria'), ('write_criteria', 'Write the criteria of the waiting list'), ('publish_criteria', 'Publish the criteria of the waiting list'), ('decide_rank', 'Decide and sign the order of those who wait'), ('check_kit', 'Check the collection kit'), ('identify_patient', 'Identify a patient before a collection'), ('print_labels', 'Print labels'), ('collect', 'Collect starting material'), ('pack_material', 'Pack material for shipping'), ('give_custody', 'Hand material over'), ('take_custody', 'Take custody of material'), ('receive_material', 'Receive starting material'), ('manufacture', 'Manufacture'), ('record_qc', 'Record QC results'), ('review_batch', 'Review a batch record'), ('release_batch', 'Release or reject a batch'), ('manage_deviations', 'Open and close deviations'), ('allocate_stock', 'Allocate units from stock'), ('receive_product', 'Receive drug product'), ('store_product', 'Store drug product'), ('decide_readiness', 'Decide clinical readiness'), ('issue_product', 'Issue drug product for a patient who is ready'), ('prepare_product', 'Thaw or prepare drug product'), ('check_bedside', 'Check identity at the bedside'), ('infuse', 'Infuse or administer drug product'), ('close_order', 'Close an order'), ('hold_order', 'Put an order on hold and lift it'), ('cancel_order', 'Cancel an order'), ('resolve_identity', 'Lift a quarantine after an identity mismatch'), ('configure_therapy', 'Write flows and specifications'), ('approve_flow', 'Approve a flow version'), ('authorize_sites', 'Authorize sites for a therapy'), ('manage_lanes', 'Maintain courier lanes'), ('administer', 'Manage people, personas and API keys')],
                'abstract': False,
                'default_permissions': (),
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('phone', models.CharField(blank=True, max_length=40)),
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
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('statement_accepted_at', models.DateTimeField(blank=True, help_text='accountability statement held before the first signature (T10)', null=True)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='personas.person')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'abstract': False,
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalOrganization',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('code', models.SlugField(max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('role', models.CharField(choices=[('treatment_center', 'Treatment center'), ('manufacturer', 'Manufacturer'), ('cmo', 'Contract manufacturer'), ('courier', 'Courier')], max_length=24)),
                ('country', models.CharField(help_text='ISO 3166-1 alpha-2', max_length=2)),
                ('synthetic', models.BooleanField(default=False)),
                ('active', models.BooleanField(default=True)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
            ],
            options={
                'verbose_name': 'historical organization',
                'verbose_name_plural': 'historical organizations',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPerson',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('name', models.CharField(max_length=200)),
                ('phone', models.CharField(blank=True, max_length=40)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
            ],
            options={
                'verbose_name': 'historical person',
                'verbose_name_plural': 'historical persons',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalSite',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('code', models.SlugField(max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('country', models.CharField(max_length=2)),
                ('zone', models.CharField(help_text='IANA time zone', max_length=64)),
                ('address', models.CharField(blank=True, max_length=300)),
                ('phone', models.CharField(blank=True, max_length=40)),
                ('door', models.CharField(blank=True, help_text='where a courier is let in', max_length=200)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
            ],
            options={
                'verbose_name': 'historical site',
                'verbose_name_plural': 'historical sites',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPersona',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('key', models.SlugField(max_length=64)),
                ('title', models.CharField(max_length=120)),
                ('desk', models.CharField(default='worklist', max_length=40)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('group', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='auth.group')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
            ],
            options={
                'verbose_name': 'historical persona',
                'verbose_name_plural': 'historical personas',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Persona',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('key', models.SlugField(max_length=64)),
                ('title', models.CharField(max_length=120)),
                ('desk', models.CharField(default='worklist', max_length=40)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='persona', to='auth.group')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='personas', to='personas.organization')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('organization', 'key'), name='personas_persona_once')],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalApiKey',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('name', models.CharField(max_length=120)),
                ('prefix', models.CharField(db_index=True, max_length=12)),
                ('secret_hash', models.CharField(help_text='SHA-256: a machine secret has full entropy', max_length=64)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('responsible', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
                ('persona', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.persona')),
            ],
            options={
                'verbose_name': 'historical api key',
                'verbose_name_plural': 'historical api keys',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('prefix', models.CharField(max_length=12, unique=True)),
                ('secret_hash', models.CharField(help_text='SHA-256: a machine secret has full entropy', max_length=64)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('responsible', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to='personas.organization')),
                ('persona', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.persona')),
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
            name='Site',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('country', models.CharField(max_length=2)),
                ('zone', models.CharField(help_text='IANA time zone', max_length=64)),
                ('address', models.CharField(blank=True, max_length=300)),
                ('phone', models.CharField(blank=True, max_length=40)),
                ('door', models.CharField(blank=True, help_text='where a courier is let in', max_length=200)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sites', to='personas.organization')),
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
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=ledger.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='personas.organization')),
                ('persona', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='personas.persona')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='personas.site')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unwalled',
                'default_manager_name': 'unwalled',
                'constraints': [models.UniqueConstraint(fields=('user', 'persona', 'site'), name='personas_membership_once', nulls_distinct=False)],
            },
            managers=[
                ('unwalled', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalMembership',
            fields=[
                ('row_text', models.TextField()),
                ('id', models.UUIDField(db_index=True, default=ledger.identifiers.new_id, editable=False)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('history_user_id', models.UUIDField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.event')),
                ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.organization')),
                ('persona', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.persona')),
                ('site', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='personas.site')),
            ],
            options={
                'verbose_name': 'historical membership',
                'verbose_name_plural': 'historical memberships',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='OrganizationGroupPermission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='personas.organization')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.group')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
            ],
            options={
                'abstract': False,
                'unique_together': {('group', 'permission', 'content_object')},
            },
        ),
        migrations.CreateModel(
            name='OrganizationUserPermission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='personas.organization')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'unique_together': {('user', 'permission', 'content_object')},
            },
        ),
    ]
