-- What ends by its time is found by its time, and what an application has by the application.
CREATE INDEX token_application ON token (organization_id, application_id) WHERE application_id IS NOT NULL;
CREATE INDEX authorization_code_application ON authorization_code (organization_id, application_id);
CREATE INDEX authorization_code_expires ON authorization_code (organization_id, expires_ms);
CREATE INDEX device_code_application ON device_code (organization_id, application_id, expires_ms);
CREATE INDEX device_code_expires ON device_code (organization_id, expires_ms);
CREATE INDEX web_session_expires ON web_session (organization_id, expires_ms);
