// Where an event is found by its id, which is unique over all types: event_key is the CRC-32 of the id. It is not unique, so
// that what it finds is compared in full; why it is not the id itself stands in events.py.
CREATE INDEX saved_event_key IF NOT EXISTS FOR ()-[r:SAVED]-() ON (r.event_key);
CREATE INDEX unsaved_event_key IF NOT EXISTS FOR ()-[r:UNSAVED]-() ON (r.event_key);
CREATE INDEX viewed_event_key IF NOT EXISTS FOR ()-[r:VIEWED]-() ON (r.event_key);
CREATE INDEX clicked_event_key IF NOT EXISTS FOR ()-[r:CLICKED]-() ON (r.event_key);
CREATE INDEX hid_event_key IF NOT EXISTS FOR ()-[r:HID]-() ON (r.event_key);
CREATE INDEX follows_event_key IF NOT EXISTS FOR ()-[r:FOLLOWS]-() ON (r.event_key);
CREATE INDEX unfollows_event_key IF NOT EXISTS FOR ()-[r:UNFOLLOWS]-() ON (r.event_key);
CREATE INDEX muted_event_key IF NOT EXISTS FOR ()-[r:MUTED]-() ON (r.event_key);
CREATE INDEX boosted_event_key IF NOT EXISTS FOR ()-[r:BOOSTED]-() ON (r.event_key);
CREATE INDEX cleared_event_key IF NOT EXISTS FOR ()-[r:CLEARED]-() ON (r.event_key);
