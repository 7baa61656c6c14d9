"""How good searches and answers are: golden questions, gate results, evaluation, gaps."""
