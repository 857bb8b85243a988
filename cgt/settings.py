"""Settings of every process; what differs between machines comes from the environment (see README, Configuration).

`CGT_ENV` is production unless it says otherwise, so that a forgotten variable ends in the strict settings.
"""

import hashlib
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF, WASM_UNSAFE_EVAL
from django.core.exceptions import ImproperlyConfigured

from cgt import environ
from cgt.patience import ANSWER_WITHIN

BASE_DIR = Path(__file__).resolve().parent.parent

# --- what kind of place this is ------------------------------------------------------------------------------------
ENVIRONMENT = environ.text("CGT_ENV", "production")
if ENVIRONMENT not in {"production", "demo", "test", "development"}:
    raise ImproperlyConfigured("CGT_ENV must be production, demo, test or development.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = environ.flag("DEBUG", default=ENVIRONMENT == "development")
DEMO = environ.flag("CGT_DEMO", default=ENVIRONMENT == "demo")
if PRODUCTION and DEMO:
    raise ImproperlyConfigured("CGT_DEMO offers sign-in without a password: it is refused with CGT_ENV=production.")
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG shows data in error pages: it is refused with CGT_ENV=production.")

SECRET_KEY = environ.text("SECRET_KEY")
# The one password of all fictional people; it stands on the demo's own pages and exists in no other environment.
DEMO_PASSWORD = f"demo-{hashlib.sha256(f'{SECRET_KEY}:demo'.encode()).hexdigest()[:10]}" if DEMO else ""
SECRET_KEY_FALLBACKS = environ.words("SECRET_KEY_FALLBACKS")
MASTER_KEY = environ.key_of_32_bytes("CGT_MASTER_KEY")  # wraps every data key of the identity vault
BASE_URL = environ.text("CGT_BASE_URL", "http://127.0.0.1:8000")
EPCIS_IDENTIFIERS = environ.text("CGT_EPCIS_IDENTIFIERS", "web")  # or digital_link, with a company prefix
EPCIS_BASE = environ.text("CGT_EPCIS_BASE", "https://id.cgt.example")  # fictional: can belong to nobody (RFC 2606)
EPCIS_COMPANY_PREFIX = "".join(environ.words("CGT_EPCIS_COMPANY_PREFIX"))  # your GS1 company prefix; none is shipped
ALLOWED_HOSTS = environ.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = environ.words("CSRF_TRUSTED_ORIGINS")

# --- applications, lowest floor last --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "simple_history",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_htmx",
    "django_cotton",
    "ledger",
    "personas",
    "network",
    "notifications",
    "custody",
    "scheduling",
    "quality",
    "orders",
    "cgt",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cgt.middleware.ActingMiddleware",
    "cgt.kept_forms.KeptForms",
    "cgt.middleware.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",  # last, as its manual asks
]
ROOT_URLCONF = "cgt.urls"
WSGI_APPLICATION = "cgt.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # django-cotton replaces the loaders itself
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "personas.context_processors.acting",
            ],
        },
    },
]
if DEMO:
    TEMPLATES[0]["OPTIONS"]["context_processors"].append("cgt.demo.pages.demonstration")  # type: ignore[index]
COTTON_DIR = "cotton"

# --- the record -----------------------------------------------------------------------------------------------------
DATABASES = {"default": environ.database("DATABASE_URL", environ.text("CGT_DB_ROLE", "app"))}
PREPARED_STATEMENTS = environ.flag("CGT_PREPARED_STATEMENTS", default=True)  # off behind a pooler of transactions
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SIMPLE_HISTORY_ENABLED = False  # database triggers fill the history tables, so that no road around save() is silent
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = True

# --- Redis: cache and broker, kept apart from other checkouts by a prefix -------------------------------------------
REDIS_URL = environ.text("REDIS_URL")
NAMESPACE = environ.text("CGT_NAMESPACE", "cgt")
CACHES = {
    "default": {
        "BACKEND": "cgt.cache.Cache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": NAMESPACE,
        "OPTIONS": {"socket_timeout": ANSWER_WITHIN, "socket_connect_timeout": ANSWER_WITHIN},
    }
}

# --- who may enter --------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "personas.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "cgt.backends.Accounts",
]
ANONYMOUS_USER_NAME = None  # guardian: nobody is somebody
# Policies ask the acting persona's group; user.has_perm() would add up personas and organizations.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
PASSWORD_HASHERS = [
    *(["cgt.hashers.QuickArgon2"] if ENVIRONMENT in {"demo", "test"} else []),
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "cgt.accounts.InvitedOnly"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # addresses come from the organization's own register
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if BASE_URL.startswith("https") else "http"
ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip"}  # per person: axes, below
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "CGT Orchestration"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "cgt.accounts.name_tried"
# Counted in Redis, not in the database: a wrong signature rolls its transaction back, the count must stay.
AXES_HANDLER = "axes.handlers.cache.AxesCacheHandler"
AXES_LOCKOUT_TEMPLATE = "account/lockout.html"
AXES_SENSITIVE_PARAMETERS = ["password", "login"]
AXES_ENABLE_ADMIN = False
TRUSTED_PROXIES = int(environ.text("CGT_TRUSTED_PROXIES", "0"))
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
AXES_IPWARE_PROXY_COUNT = TRUSTED_PROXIES

# --- cookies, transport, content ------------------------------------------------------------------------------------
SESSION_COOKIE_NAME = "cgt_session"
SESSION_COOKIE_AGE = 12 * 60 * 60 if not DEMO else 10 * 365 * 86400  # fictional days pass in a moment
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_NAME = "cgt_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_FAILURE_VIEW = "cgt.middleware.not_taken"
SECURE_SSL_REDIRECT = environ.flag("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if environ.flag("CGT_BEHIND_TLS_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, WASM_UNSAFE_EVAL],  # the decoder of the camera's pictures, from our own origin
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- language, time, files, mail ------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
if DEMO:  # an image holds no demonstration: there this import fails, and nothing starts
    from cgt.demo import fictional_time

    fictional_time.install()
STATIC_URL = "/static/"
STATIC_ROOT = Path(environ.text("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
# A test's client makes the middleware anew, which otherwise reads every static file each time.
WHITENOISE_AUTOREFRESH = DEBUG or ENVIRONMENT == "test"
globals().update(environ.mail("EMAIL_URL"))
DEFAULT_FROM_EMAIL = environ.text("DEFAULT_FROM_EMAIL", "CGT Orchestration <no-reply@cgt.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Webhooks go to https addresses of the public internet; on a developer's machine they may stay within it.
WEBHOOKS_WITHIN = not PRODUCTION

# --- REST -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cgt.json_bodies.BoundedJSONParser"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "cgt.authentication.KeyAuthentication",
        "cgt.authentication.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["cgt.authentication.ActorThrottle"],
    "DEFAULT_THROTTLE_RATES": {"actor": environ.text("CGT_API_RATE", "3000/min")},
    "EXCEPTION_HANDLER": "cgt.refusal_responses.problem_exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "CGT Orchestration",
    "VERSION": "1",
    "DESCRIPTION": "Orders of cell and gene therapies from enrolment to infusion: what a page can do, a partner system"
    " can do here, by the same rules. Errors are RFC 9457 problem documents with a stable `code` and a `remedy`.",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "POSTPROCESSING_HOOKS": [
        "cgt.openapi.any_kind",
        "cgt.openapi.add_problems",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- what is told to the operator -----------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": environ.text("LOG_LEVEL", "INFO")},
    "loggers": {"django.db.backends": {"level": "WARNING"}, "axes": {"level": "WARNING"}},
}
