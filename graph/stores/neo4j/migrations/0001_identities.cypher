// One node an id. Nodes are written before the relationships that look them up here.
CREATE CONSTRAINT user_id IF NOT EXISTS FOR (n:User) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT pin_id IF NOT EXISTS FOR (n:Pin) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT board_id IF NOT EXISTS FOR (n:Board) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT interest_id IF NOT EXISTS FOR (n:Interest) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT entity_id IF NOT EXISTS FOR (n:Entity) REQUIRE n.id IS UNIQUE;

// Loads, and their finished batches: one that was committed can't be committed again.
CREATE CONSTRAINT tastegraph_load IF NOT EXISTS FOR (l:TastegraphLoad) REQUIRE l.load_id IS UNIQUE;
CREATE CONSTRAINT tastegraph_batch IF NOT EXISTS FOR (b:TastegraphBatch) REQUIRE (b.load_id, b.batch) IS UNIQUE;
