"""Settings: read from the environment in one place, so that two deployments differ only there.

`portal.environment` names the variable and what is wrong with it when it cannot be used. What is
not a variable here is the same in every clinic.
"""

from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.templatetags.static import static

from portal import environment, logs
from realtime.bus_connection import bus_at

BASE_DIR = Path(__file__).resolve().parent.parent

DEMO = environment.boolean("DEMO", default=False)
DEBUG = False
SECRET_KEY = environment.required("SECRET_KEY")
SECRET_KEY_FALLBACKS = environment.names("SECRET_KEY_FALLBACKS", default=[])
ENCRYPTION_KEYS = environment.encryption_keys("ENCRYPTION_KEYS")
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
# Plain HTTP is for a demo on loopback and for tests only: everything else is behind TLS.
INSECURE_HTTP = environment.boolean("INSECURE_HTTP", default=DEMO)
# Links in e-mails begin with it. A host with a wildcard in it could be anybody's choice.
SITE_URL = environment.site_url("SITE_URL", https=not INSECURE_HTTP)
if not SITE_URL and any(host.startswith((".", "*")) for host in ALLOWED_HOSTS):
    raise environment.Misconfigured(
        "The setting SITE_URL is missing: with a wildcard in ALLOWED_HOSTS, e-mails need it."
    )
CSRF_TRUSTED_ORIGINS = environment.names("TRUSTED_ORIGINS", default=[])

DATABASE_POOL = environment.integer("DATABASE_POOL", default=8, minimum=0, maximum=100)
# Three roles on one database (design section 6): no process uses a role it does not need.
_application = environment.database_url("DATABASE_URL", pool=DATABASE_POOL)
_owner = environment.database_url("DATABASE_OWNER_URL", required=False)
_engine = environment.database_url("DATABASE_ENGINE_URL", required=False)
DATABASES = {"default": _application, "owner": _owner or {}, "engine": _engine or {}}
DATABASES = {alias: database for alias, database in DATABASES.items() if database}
APP_ROLE = _application["USER"]
OWNER_ROLE = _owner["USER"] if _owner else "vigil_owner"
ENGINE_ROLE = _engine["USER"] if _engine else "vigil_engine"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "portal.admin_config.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "csp",
    "django_htmx",
    "heroicons",
    "template_partials",
    "pgtrigger",
    "axes",
    "procrastinate.contrib.django",
    "realtime",
    "portal",
    "notifications",
    "care",
    "messaging",
    "appointments",
    "alerts",
    "portal.operations",
]

MIDDLEWARE = [
    "portal.operations.outage.DatabaseOutageMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.assets.StaticFiles",
    "portal.middleware.headers.PrivateResponses",
    "care.api.middleware.ApiErrors",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.methods.MethodPages",
    "portal.middleware.bodies.BodyLimit",
    "portal.middleware.admin_addresses.AdminAddresses",
    "portal.middleware.journal.Journal",
    "portal.middleware.busy.Busy",
    "portal.middleware.service_keys.ServiceKeys",
    "portal.middleware.session_cookie.SessionCookie",
    "django.middleware.common.CommonMiddleware",
    "portal.middleware.sessions.SessionLimits",
    "portal.middleware.api_allowance.ApiAllowance",
    "django.middleware.csrf.CsrfViewMiddleware",
    # One transaction around the view *and its rendering*, bound to the reader (design section 6).
    "portal.middleware.tenancy.TenantTransaction",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.reading.Reading",
    "portal.middleware.zone.ClinicZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "portal.page.page",
            ],
        },
    }
]

FORM_RENDERER = "portal.forms.renderer.PartsRenderer"

# People ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "portal.authentication.EmailBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "portal:sign_in"
LOGIN_REDIRECT_URL = "portal:start"
LOGOUT_REDIRECT_URL = "portal:sign_in"
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=1).total_seconds())
INVITATION_LIFETIME = timedelta(days=environment.integer("INVITATION_DAYS", default=7, maximum=30))

# A stranger who types a clinician's address wrongly must not lock the clinician out: a lock holds
# for the pair of address and network place, never for the address alone (stack.md).
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "username"
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_CALLABLE = "portal.authentication.locked_out"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_RESET_ON_SUCCESS = True
SILENCED_SYSTEM_CHECKS: list[str] = []

# Sessions: limits of clinical.md 4.4. A limit over an hour of silence is refused.
SESSION_ENGINE = "portal.sessions"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not INSECURE_HTTP
SESSION_COOKIE_NAME = "vigil_session" if INSECURE_HTTP else "__Host-vigil-session"
CSRF_COOKIE_NAME = "vigil_csrf" if INSECURE_HTTP else "__Host-vigil-csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"
SESSION_IDLE_STAFF = timedelta(
    minutes=environment.integer("SESSION_IDLE_STAFF_MINUTES", default=15, minimum=1, maximum=60)
)
SESSION_IDLE_PATIENT = timedelta(
    minutes=environment.integer("SESSION_IDLE_PATIENT_MINUTES", default=30, minimum=1, maximum=60)
)
SESSION_WARNING = timedelta(seconds=60)

# What travels, and who may see it -------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else int(timedelta(days=730).total_seconds())
SECURE_HSTS_INCLUDE_SUBDOMAINS = not INSECURE_HTTP
SECURE_HSTS_PRELOAD = not INSECURE_HTTP
SECURE_SSL_REDIRECT = not INSECURE_HTTP
# Machines of the house ask the processes themselves, beside the proxy.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^health/realtime$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if not INSECURE_HTTP else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
# Forms and refreshes are small; a file has its own limit when files arrive.
MAX_BODY_BYTES = 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# The engine -----------------------------------------------------------------------------------
REDIS_URL = environment.bus_url("REDIS_URL")
CHANNEL_LAYERS = (
    {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [bus_at(REDIS_URL)], "prefix": "vigil"},
        }
    }
    if REDIS_URL
    else {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
)
REALTIME_AUTHORITY = "portal.round_trips.authority"
REALTIME_RELAY_IN_WEB = environment.boolean("REALTIME_RELAY_IN_WEB", default=True)
REALTIME_RETENTION_HOURS = environment.integer("REALTIME_RETENTION_HOURS", default=72, minimum=24)
REALTIME_LIMITS = environment.numbers("REALTIME_LIMITS")  # docs/limits.md
REALTIME_ALLOWED_ORIGINS = environment.names("REALTIME_ALLOWED_ORIGINS", default=[])
# For trials of running processes alone (realtime/failpoints.py says how it is spelt).
REALTIME_FAILPOINTS = environment.orders("REALTIME_FAILPOINTS")

# Jobs: each app's are in its module `jobs`.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"

# E-mail -----------------------------------------------------------------------------------------
EMAIL_HOST = environment.text("EMAIL_HOST", default="")
EMAIL_PORT = environment.integer("EMAIL_PORT", default=587)
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = environment.boolean("EMAIL_USE_TLS", default=True)
# Where a demo keeps what it would have sent, for whoever runs it.
DEMO_MAIL_FILE = environment.text("DEMO_MAIL_FILE", default="") if DEMO else ""
if EMAIL_HOST:
    EMAIL_BACKEND = "portal.mail.BoundedBackend"
elif DEMO_MAIL_FILE:
    EMAIL_BACKEND = "portal.kept_mail.KeptBackend"
else:
    EMAIL_BACKEND = "portal.mail.UnsentBackend"
# Seconds in which a server that took the connection may say nothing: some look at a mail for so
# long before they take it. How long one mail may take in all stands in `portal.mail`.
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = environment.text("FROM_EMAIL", default="portal@localhost")
# A dead man's switch outside: the auditor of the alerts calls it at every look.
HEARTBEAT_URL = environment.link("HEARTBEAT_URL")
# Where the worker writes down how the audit log stands: a file that the database cannot reach.
AUDIT_ANCHOR_FILE = environment.text("AUDIT_ANCHOR_FILE", default="")
# What may read /metrics and /health/realtime from another machine.
METRICS_TOKEN = environment.text("METRICS_TOKEN", default="")

# Telling people: a channel without its settings is off, and the page that offers it says so.
VAPID_PRIVATE_KEY = environment.key_bytes("VAPID_PRIVATE_KEY")
VAPID_SUBJECT = environment.text("VAPID_SUBJECT", default=f"mailto:{DEFAULT_FROM_EMAIL}")
# A name that begins with a dot stands for all below it.
WEB_PUSH_HOSTS = environment.names(
    "WEB_PUSH_HOSTS",
    default=[
        "fcm.googleapis.com",
        ".push.services.mozilla.com",
        ".push.apple.com",
        ".notify.windows.com",
    ],
)
SMS_PROVIDER = environment.one_of("SMS_PROVIDER", ["twilio"], default="")
SMS_API_URL = environment.text("SMS_API_URL", default="https://api.twilio.com")
_sms_part = environment.required if SMS_PROVIDER == "twilio" else lambda name: ""
SMS_ACCOUNT = _sms_part("SMS_ACCOUNT")
SMS_TOKEN = _sms_part("SMS_TOKEN")
SMS_SENDER = _sms_part("SMS_SENDER")

# Administration ---------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Vigil",
    "SITE_SUBHEADER": "Administration",
    "SITE_URL": "/dashboard/",
    "SITE_ICON": lambda request: static("icons/vigil.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda request: static("icons/vigil.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ACCOUNT": {
        "navigation": [
            {"title": "Dashboard", "link": "/dashboard/"},
            {"title": "Your account", "link": "/account/"},
        ]
    },
    "STYLES": [lambda request: static("css/admin.css")],
}

# Words and places -------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.assets.AddressedStorage"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Words for whoever tries the demo in a terminal, JSON for whoever collects lines.
LOGGING = logs.configuration(for_people=DEMO)
