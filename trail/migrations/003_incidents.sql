-- Placeholder: the incidents' session writes this step.
select 1;
