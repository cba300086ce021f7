-- For Neovim 0.11 or later: put this into ~/.config/nvim/plugin/keyreeve.lua
vim.filetype.add({ extension = { cases = "keyreeve-cases" } })

vim.lsp.config("keyreeve", {
  cmd = { "keyreeve", "lsp" },
  filetypes = { "json", "yaml", "keyreeve-cases" },
  root_markers = { "world.yaml", ".keyreeve-lint.yaml", ".git" },
})
vim.lsp.enable("keyreeve")

vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(args)
    local client = vim.lsp.get_client_by_id(args.data.client_id)
    if not client or client.name ~= "keyreeve" then
      return
    end
    vim.api.nvim_create_autocmd({ "BufEnter", "InsertLeave", "BufWritePost" }, {
      buffer = args.buf,
      callback = function() vim.lsp.codelens.refresh({ bufnr = args.buf }) end,
    })
  end,
})
