"""How good searches and answers are: golden questions, gate records, evaluation, unanswered questions."""
