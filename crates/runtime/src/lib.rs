//! What every Hubbub process needs: settings, lifecycle, telemetry, health.
