"""Judge models: blind, asked in both orders, never their own family while another can."""
