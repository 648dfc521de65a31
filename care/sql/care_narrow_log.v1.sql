-- Events of private answers were told to all who see the patient, caregivers too. What is kept of
-- them goes to whom the trigger tells now. Answers are never deleted: each event has its row.
UPDATE @events@ AS event
SET topics = ARRAY['care:' || answers.patient_id, 'user:' || answers.authored_by_id]
FROM questionnaire_responses AS answers
WHERE event.kind = 'change' AND event.table_name = 'questionnaire_responses'
  AND event.row_id = answers.id::text AND answers.is_private
