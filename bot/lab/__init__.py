"""What looks back or tries out: backtests, the study, posts told again, the effect of an edit."""
