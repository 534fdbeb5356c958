-- A dead letter is handled once, as a message is: whoever comes second writes nothing. TH002: it is gone.
CREATE OR REPLACE FUNCTION unpark(handled jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM parked
     USING jsonb_to_recordset(handled) AS h (consumer text, topic text, position bigint)
     WHERE (parked.consumer, parked.topic, parked.position) = (h.consumer, h.topic, h.position);
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone <> jsonb_array_length(handled) THEN
        RAISE EXCEPTION 'a dead letter has been handled' USING ERRCODE = 'TH002';
    END IF;
END $$;
